"""Keras layers of the YouTube-8M models; they run on every Keras backend."""

from yt8m_models.layers.average_pooling import AveragePooling
from yt8m_models.layers.batch_normalization import BatchNormalization
from yt8m_models.layers.cluster_pooling import ClusterPooling
from yt8m_models.layers.context_gating import ContextGating
from yt8m_models.layers.coupled_assignment import CoupledAssignment
from yt8m_models.layers.dbof import DBoF
from yt8m_models.layers.decoupled_assignment import DecoupledAssignment
from yt8m_models.layers.dsgmm import DSGMM
from yt8m_models.layers.feature_attention_pooling import FeatureAttentionPooling
from yt8m_models.layers.frame_network import FrameNetwork
from yt8m_models.layers.gated_dbof import GatedDBoF
from yt8m_models.layers.gru_pooling import GRUPooling
from yt8m_models.layers.input_normalization import InputNormalization
from yt8m_models.layers.logistic import Logistic
from yt8m_models.layers.lstm_pooling import LSTMPooling
from yt8m_models.layers.max_pooling import MaxPooling
from yt8m_models.layers.mixture_of_experts import MixtureOfExperts
from yt8m_models.layers.netbow import NetBoW
from yt8m_models.layers.netfv import NetFV
from yt8m_models.layers.netrvlad import NetRVLAD
from yt8m_models.layers.netvlad import NetVLAD
from yt8m_models.layers.nextvlad import NeXtVLAD
from yt8m_models.layers.sample_random_frames import SampleRandomFrames
from yt8m_models.layers.sample_random_sequence import SampleRandomSequence
from yt8m_models.layers.self_attention_pooling import SelfAttentionPooling
from yt8m_models.layers.soft_dbof import SoftDBoF
from yt8m_models.layers.squeeze_excitation_gating import SqueezeExcitationGating
from yt8m_models.layers.vlagd import VLAGD

__all__ = [
    "DSGMM",
    "VLAGD",
    "AveragePooling",
    "BatchNormalization",
    "ClusterPooling",
    "ContextGating",
    "CoupledAssignment",
    "DBoF",
    "DecoupledAssignment",
    "FeatureAttentionPooling",
    "FrameNetwork",
    "GRUPooling",
    "GatedDBoF",
    "InputNormalization",
    "LSTMPooling",
    "Logistic",
    "MaxPooling",
    "MixtureOfExperts",
    "NeXtVLAD",
    "NetBoW",
    "NetFV",
    "NetRVLAD",
    "NetVLAD",
    "SampleRandomFrames",
    "SampleRandomSequence",
    "SelfAttentionPooling",
    "SoftDBoF",
    "SqueezeExcitationGating",
]
