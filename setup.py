"""The `yt8m-models` package: its name, version, dependencies, extras and console scripts."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent
README = ROOT / "README.md"
VERSION = re.search(
    r'^__version__ = "(.+)"$', (ROOT / "yt8m_models" / "__init__.py").read_text("utf-8"), re.M
)[1]
SCRIPTS = {
    "yt8m-train": "yt8m_models.training",
    "yt8m-eval": "eval",
    "yt8m-inference": "yt8m_models.prediction",
    "yt8m-plot": "yt8m_models.training.plot",
    "yt8m-synthetic": "yt8m_models.samples.synthetic",
    "yt8m-inspect": "yt8m_models.data.inspect",
    "yt8m-split": "yt8m_models.data.split",
    "yt8m-train-ubm": "yt8m_models.gmm.train_ubm",
    "yt8m-tables": "yt8m_models.experiments.dsgmm",
    "yt8m-significance": "eval.significance",
    "yt8m-ensemble": "yt8m_models.prediction.ensemble",
    "yt8m-import-checkpoint": "yt8m_models.compat.import_checkpoint",
    "yt8m-build-features": "yt8m_models.features.build_features",
    "yt8m-build-graph": "yt8m_models.graph.build_graph",
    "yt8m-train-embedding": "yt8m_models.embedding.train",
    "yt8m-embed": "yt8m_models.embedding.embed",
    "yt8m-build-index": "yt8m_models.retrieval.build_index",
    "yt8m-search": "yt8m_models.retrieval.search",
    "yt8m-evaluate-retrieval": "yt8m_models.retrieval.evaluate_retrieval",
    "yt8m-recommend": "yt8m_models.recommendation.recommend",
    "yt8m-glmix": "yt8m_models.recommendation.glmix",
    "yt8m-annotate": "yt8m_models.annotation.annotate",
    "yt8m-join-embeddings": "yt8m_models.annotation.join_embeddings",
    "yt8m-synthetic-world": "yt8m_models.samples.world",
    "yt8m-cdml": "yt8m_models.experiments.cdml",
    "yt8m-movielens": "yt8m_models.experiments.movielens",
}

setup(
    name="yt8m-models",
    version=VERSION,
    description="Video classification models for YouTube-8M, in Keras 3",
    long_description=README.read_text("utf-8") if README.exists() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.10",
    packages=find_packages(
        include=["yt8m_models", "yt8m_models.*", "losses", "losses.*", "eval", "eval.*"]
    ),
    install_requires=[
        "tensorflow>=2.16.2",
        "keras>=3.10",
        "numpy",
        "absl-py",
        "pandas",
    ],
    extras_require={
        # The last release of tensorflow-io fits TensorFlow 2.16 alone.
        "io": [
            'tensorflow-io==0.37.1; python_version < "3.13"',
            'tensorflow>=2.16.2,<2.17; python_version < "3.13"',
        ],
        "recommend": [
            "duckdb",
            "faiss-cpu",
            "scikit-learn>=1.4",
            "scikit-surprise>=1.1.5",
            "threadpoolctl",
        ],
        "extract": ["imageio-ffmpeg"],
        "jax": ["jax>=0.8"],
        "quickstart": ["scikit-learn", "matplotlib"],
        "dev": ["pytest>=8", "hypothesis", "ruff~=0.17.0", "mypy~=2.4"],
    },
    entry_points={
        "console_scripts": [f"{name} = {package}.__main__:run" for name, package in SCRIPTS.items()]
    },
    # Not `build`, which is the file `BUILD` where file names ignore case.
    options={"build": {"build_base": "out/setuptools"}},
    classifiers=[
        "Intended Audience :: Science/Research",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3",
        *(f"Programming Language :: Python :: 3.{minor}" for minor in range(10, 14)),
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
