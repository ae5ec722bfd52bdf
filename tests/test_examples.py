"""The examples of clusters: what they start on each machine, with stand-ins for the cluster."""

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from yt8m_models.__main__ import program
from yt8m_models.training.config import TrainConfig

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
pytestmark = pytest.mark.skipif(
    not EXAMPLES.is_dir(), reason="the examples are not in this copy of the tree"
)
TOOLS = {
    "scontrol": 'echo "$3" | tr " " "\\n"',  # show hostnames LIST
    "srun": 'shift; for task in 0 1; do SLURM_PROCID=$task "$@"; done',
    "yt8m": 'printf "%s\\n" "$TF_CONFIG" "$@" end',
}


@pytest.fixture
def started(tmp_path):
    """Runs a shell script; TF_CONFIG and the command of each `yt8m` that it starts."""
    for name, script in TOOLS.items():
        path = tmp_path / name
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IEXEC)

    def run(*command, **variables):
        path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, **variables}
        printed = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        ).stdout
        for lines in printed.split("\nend\n")[:-1]:
            task, *words = lines.splitlines()
            yield json.loads(task), words

    return run


def check_training(words, train_dir):
    """What the command says is right, by the program's own reading of it."""
    name, *flags = words
    assert name == "train"
    config = program("train").parse(flags)[TrainConfig]
    assert config.strategy == "multi_worker"
    assert config.train_dir == train_dir


def test_a_slurm_job_starts_a_worker_on_each_node(started):
    script = EXAMPLES / "slurm.sh"
    variables = {
        "SLURM_JOB_ID": "30017",
        "SLURM_JOB_NODELIST": "n7 n12",
        "RECORDS": "/shared/my records",
        "TRAIN_DIR": "/shared/model",
    }
    tasks = list(started("bash", str(script), **variables))
    for index, (task, words) in enumerate(tasks):
        assert task == {
            "cluster": {"worker": ["n7:20017", "n12:20017"]},
            "task": {"type": "worker", "index": index},
        }
        check_training(words, "/shared/model")
        assert "--train_data_pattern=/shared/my records/train*.tfrecord" in words
    assert len(tasks) == 2
    missing = subprocess.run(["bash", script], capture_output=True, text=True, check=False)
    assert missing.returncode != 0
    assert "RECORDS: is to be the directory" in missing.stderr


def test_a_job_of_kubernetes_starts_a_worker_in_each_pod(started):
    yaml = pytest.importorskip("yaml", reason="needs PyYAML")
    service, job = yaml.safe_load_all((EXAMPLES / "kubernetes.yaml").read_text("utf-8"))
    name = job["metadata"]["name"]
    assert service["spec"]["selector"] == {"job-name": name}
    assert service["spec"]["clusterIP"] == "None"
    spec = job["spec"]
    assert spec["completionMode"] == "Indexed"
    assert spec["completions"] == spec["parallelism"]
    pod = spec["template"]["spec"]
    assert pod["subdomain"] == service["metadata"]["name"]
    (container,) = pod["containers"]
    (port,) = (port["containerPort"] for port in container["ports"])
    variables = {variable["name"]: variable["value"] for variable in container["env"]}
    pods = [f"{name}-{index}.{pod['subdomain']}:{port}" for index in range(spec["completions"])]
    for index in range(spec["completions"]):
        variables["JOB_COMPLETION_INDEX"] = str(index)
        ((task, words),) = started(*container["command"], *container["args"], **variables)
        assert task == {"cluster": {"worker": pods}, "task": {"type": "worker", "index": index}}
        check_training(words, "/data/models/dsgmm")
        (mount,) = (volume["mountPath"] for volume in container["volumeMounts"])
        for word in words:
            _, _, path = word.partition("=")
            assert not path.startswith("/") or path.startswith(f"{mount}/")
