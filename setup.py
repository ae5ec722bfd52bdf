"""The `yt8m-models` package: its name, version, dependencies, extras and command."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent
README = ROOT / "README.md"
VERSION = re.search(
    r'^__version__ = "(.+)"$', (ROOT / "yt8m_models" / "__init__.py").read_text("utf-8"), re.M
)[1]
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
    package_data={
        "eval": ["py.typed"],
        "losses": ["py.typed"],
        "yt8m_models": ["__init__.pyi", "py.typed"],
        "yt8m_models.annotation.annotate": ["paper.csv"],
        "yt8m_models.experiments.cdml": ["paper.csv"],
        "yt8m_models.experiments.dsgmm": ["paper.csv"],
        "yt8m_models.experiments.watch": ["paper.csv"],
        "yt8m_models.movielens": ["paper.csv"],
        "yt8m_models.prediction": ["segment_label_ids.*"],
        "yt8m_models.recipes": ["*.flags"],
        "yt8m_models.recipes.embedding": ["*.flags"],
        "yt8m_models.recipes.sweep": ["*.flags"],
        "yt8m_models.report": ["templates/*"],
    },
    install_requires=["tensorflow>=2.16.2", "keras>=3.10", "numpy", "absl-py", "pandas>=2"],
    extras_require={
        # The last release of tensorflow-io fits TensorFlow 2.16 alone.
        "io": [
            'tensorflow-io==0.37.1; python_version < "3.13"',
            'tensorflow>=2.16.2,<2.17; python_version < "3.13"',
        ],
        "recommend": [
            "duckdb>=1.2",
            "faiss-cpu",
            "scikit-learn>=1.4",
            "scikit-surprise>=1.1.5",
            "scipy",
            "threadpoolctl",
        ],
        "video": ["av>=17"],
        "report": ["jinja2"],
        "demo": ["av>=17", "gradio>=6"],
        "export": ["onnx", "onnxruntime", "tf2onnx", "ai-edge-litert"],
        "onnx": ["onnxruntime"],
        "serve": ["onnxruntime", "starlette", "uvicorn"],
        "hub": ["huggingface_hub", "safetensors"],
        "sweep": ["optuna>=4.5", "matplotlib"],
        "spark": ["pyspark[sql]>=4"],
        "jax": ["jax>=0.8"],
        "torch": ["torch>=2.6"],
        "quickstart": ["scikit-learn", "matplotlib"],
        "docs": ["sphinx>=8", "furo", "myst-parser>=4"],
        "dev": [
            "pytest>=8",
            "pytest-cov>=5",
            "pytest-xdist>=3.6",
            "hypothesis",
            "ruff~=0.17.0",
            "mypy~=2.4",
            "import-linter~=2.15",
            "nbclient",
            "ipykernel",
            "playwright",
            "tensorflow-serving-api",
            "build",
            "twine",
        ],
    },
    entry_points={"console_scripts": ["yt8m = yt8m_models.__main__:run"]},
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
