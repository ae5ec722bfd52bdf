"""`yt8m build-graph`: which videos were watched together."""

from yt8m_models.engines.options import EngineOptions
from yt8m_models.graph.build_graph.config import BuildGraphConfig
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "yt8m build-graph",
    "Builds the co-watch graph of a watch log: an edge between two videos for the users that "
    "watched both, in one session or within a window of time. Logs may be larger than memory.",
    BuildGraphConfig,
    EngineOptions,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.graph.build_graph.building import build_graph

    config = arguments[BuildGraphConfig]
    with arguments[EngineOptions].session(PROGRAM.name) as spark:
        summary = build_graph(config, progress=True, spark=spark)
    print(
        f"{summary.num_rows:,} rows: {summary.num_watches:,} watches and "
        f"{summary.num_impressions:,} impressions of {summary.num_videos:,} videos "
        f"by {summary.num_users:,} users"
    )
    if config.max_events_per_user:
        users, events = summary.events_left_out
        print(
            f"{events:,} events left out of {users:,} users with more than "
            f"--max_events_per_user={config.max_events_per_user}"
        )
    if config.max_pairs_per_window:
        watches, pairs = summary.pairs_left_out
        print(
            f"{pairs:,} pairs left out of {watches:,} watches with more than "
            f"--max_pairs_per_window={config.max_pairs_per_window}"
        )
    print(
        f"{summary.num_edges:,} edges in {config.output_dir}, of {summary.num_pairs:,} before "
        f"--min_count={config.min_count}; {summary.num_videos - summary.num_eval:,} videos for "
        f"training, {summary.num_eval:,} for evaluation"
    )
    if summary.num_shown is not None:
        print(f"{summary.num_shown:,} pairs of a video and one shown near it, not co-watched")
    if summary.num_without_features is not None:
        print(
            f"{summary.num_without_features:,} videos of the log have no features; "
            f"{summary.num_not_in_log:,} videos with features are not in the log"
        )


if __name__ == "__main__":
    PROGRAM.run()
