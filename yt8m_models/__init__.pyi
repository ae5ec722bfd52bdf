import losses as losses
from eval import metrics as metrics
from yt8m_models import layers as layers
from yt8m_models.__main__ import run_program as run_program
from yt8m_models.api.evaluating import evaluate as evaluate
from yt8m_models.api.loading import load_model as load_model
from yt8m_models.api.reading import read as read
from yt8m_models.api.training import Training as Training
from yt8m_models.api.training import train as train
from yt8m_models.embedding.embeddings import Embeddings as Embeddings
from yt8m_models.recommendation.recommender import Recommender as Recommender
from yt8m_models.retrieval.index import Index as Index

__version__: str
__all__: list[str]
