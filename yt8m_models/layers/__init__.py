"""Keras layers of the YouTube-8M models; they run on every Keras backend."""

from yt8m_models.layers.average_pooling import AveragePooling
from yt8m_models.layers.cluster_pooling import ClusterPooling
from yt8m_models.layers.context_gating import ContextGating
from yt8m_models.layers.dbof import DBoF
from yt8m_models.layers.decoupled_assignment import DecoupledAssignment
from yt8m_models.layers.dsgmm import DSGMM
from yt8m_models.layers.input_normalization import InputNormalization
from yt8m_models.layers.logistic import Logistic
from yt8m_models.layers.max_pooling import MaxPooling
from yt8m_models.layers.mixture_of_experts import MixtureOfExperts
from yt8m_models.layers.netvlad import NetVLAD
from yt8m_models.layers.sample_random_frames import SampleRandomFrames
from yt8m_models.layers.sample_random_sequence import SampleRandomSequence

__all__ = [
    "DSGMM",
    "AveragePooling",
    "ClusterPooling",
    "ContextGating",
    "DBoF",
    "DecoupledAssignment",
    "InputNormalization",
    "Logistic",
    "MaxPooling",
    "MixtureOfExperts",
    "NetVLAD",
    "SampleRandomFrames",
    "SampleRandomSequence",
]
