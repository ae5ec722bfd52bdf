"""`yt8m serve`: predictions, searches and recommendations by HTTP, without TensorFlow."""

from yt8m_models.export.serve.config import ServeConfig
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "yt8m serve",
    "Answer requests for predictions with an exported model, for the most similar videos of an "
    "index, and for what users may like, by HTTP. Neither TensorFlow nor Keras is imported. "
    "SIGTERM and Ctrl+C stop it once what it received is answered.",
    ServeConfig,
    needs_tensorflow=False,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.export.serve.server import Server

    config = arguments[ServeConfig]
    server = Server(config)
    served = " and ".join(filter(None, (config.model, config.index, config.recommender)))
    print(f"Serving {served} on http://{config.host}:{server.port}", flush=True)
    server.run()


if __name__ == "__main__":
    PROGRAM.run()
