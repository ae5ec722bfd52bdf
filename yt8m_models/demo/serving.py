"""The page of the demo, by Gradio."""

import html
import os
import threading
from collections.abc import Collection
from typing import Any

import pandas
import tensorflow as tf

from yt8m_models.demo.config import DemoConfig
from yt8m_models.demo.describer import Describer, Description
from yt8m_models.extraction.config import ExtractionConfig
from yt8m_models.extraction.labelled import Label, Times
from yt8m_models.program.extras import require

_KEEP_UPLOADS = 3600  # seconds
# Gradio asks its makers' servers whether there is a newer version, and tells them who runs it.
_SWITCHES = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_RUN_HISTORY": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
# Fonts of the system: those of Gradio's themes come from another server.
_FONTS = ("system-ui", "sans-serif")
_MONO_FONTS = ("ui-monospace", "monospace")


def serve(
    config: DemoConfig, extraction_config: ExtractionConfig, given: Collection[str] = ()
) -> None:
    """Serves the page until it is interrupted.

    Args:
        config: the model, and where the page is.
        extraction_config, given: as of `Describer`.

    Raises:
        ValueError: Gradio is not installed, or as from `Describer`.
        OSError: the port is taken, or a file cannot be read.
    """
    gradio = _gradio()
    describer = Describer(config, extraction_config, given)
    page = make_page(describer, gradio)
    try:
        print(
            f"Model: {describer.model}\nThe page is at {launch(page, config, gradio)}", flush=True
        )
        threading.Event().wait()
    finally:
        page.close(verbose=False)


def make_page(describer: Describer, gradio: Any) -> Any:
    """The page, as Gradio's `Blocks`.

    Args:
        describer: of the clips; one is described at a time.
        gradio: the library.
    """
    with gradio.Blocks(
        title="yt8m demo", analytics_enabled=False, delete_cache=(_KEEP_UPLOADS, _KEEP_UPLOADS)
    ) as page:
        gradio.Markdown("# What is in a clip?")
        with gradio.Row():
            with gradio.Column():
                # Not `Video`: its button that cuts clips loads a program from another server.
                clip = gradio.File(label="Clip", file_types=["video"], height=200)
                button = gradio.Button("Describe", variant="primary")
                facts = gradio.Textbox(label="File", interactive=False, max_lines=2)
            labels = gradio.Label(label="Labels of the clip")
        pictures = gradio.Gallery(
            label="Each five seconds",
            columns=6,
            fit_columns=False,
            object_fit="contain",
            height=260,
            buttons=[],
        )
        course = gradio.LinePlot(
            x="seconds",
            y="score",
            color="label",
            y_lim=[0, 1],
            title="Labels over time",
            height=280,
            buttons=[],
            visible=False,
        )
        segments = gradio.Dataframe(
            label="Labels of each five seconds",
            headers=["time", "labels"],
            interactive=False,
            wrap=True,
        )
        similar = gradio.Gallery(
            label="Most similar videos",
            columns=5,
            fit_columns=False,
            object_fit="contain",
            height=260,
            buttons=[],
            visible=False,
        )
        neighbours = gradio.Dataframe(
            label="Most similar videos",
            headers=["video", "title", "cosine"],
            interactive=False,
            visible=describer.has_index,
        )

        def describe(path: str | None) -> tuple[Any, ...]:
            if path is None:
                raise gradio.Error("Choose a clip first.", print_exception=False)
            try:
                return _shown(describer(path), gradio)
            except (ValueError, OSError) as error:
                reason = str(error).replace(path, os.path.basename(path))
                raise gradio.Error(html.escape(reason), print_exception=False) from None

        gradio.on(
            [clip.upload, button.click],
            describe,
            clip,
            [facts, labels, pictures, course, segments, similar, neighbours],
            api_name="describe",
        )
    return page


def launch(page: Any, config: DemoConfig, gradio: Any) -> str:
    """Begins to serve the page; returns its address.

    Raises:
        OSError: the port is taken.
    """
    theme = gradio.themes.Base(font=list(_FONTS), font_mono=list(_MONO_FONTS))
    try:
        _, url, _ = page.launch(
            server_name=config.host,
            server_port=config.port,
            max_file_size=f"{config.max_megabytes}mb",
            theme=theme,
            share=False,
            show_error=False,
            footer_links=[],
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            enable_monitoring=False,
            prevent_thread_lock=True,
            quiet=True,
        )
    except OSError as error:
        raise OSError(
            f"cannot listen at --host={config.host} --port={config.port}; is the port taken?"
        ) from error
    return str(url)


def _gradio() -> Any:
    os.environ.update(_SWITCHES)  # they are read as the library is imported
    return require("gradio", extra="demo")


def _shown(description: Description, gradio: Any) -> tuple[Any, ...]:
    """The values of the page's parts."""
    course = [(time, score, _name(label)) for time, label, score in description.moments]
    similar = [
        (each.thumbnail, f"{each.title or each.video_id}  {each.score:.3f}")
        for each in description.neighbours
        if each.thumbnail is not None
    ]
    sound = {None: "", True: ", with sound", False: ", without sound"}[description.has_sound]
    return (
        f"{description.num_frames:,} frames{sound}",
        {_name(label): label.score for label in description.labels},
        [
            (tf.io.decode_jpeg(picture).numpy(), _caption(start, description.segments))
            for start, picture in description.pictures.items()
        ],
        gradio.LinePlot(
            pandas.DataFrame(course, columns=["seconds", "score", "label"]), visible=bool(course)
        ),
        [
            [_clock(times), ", ".join(f"{_name(label)} {label.score:.2f}" for label in labels)]
            for times, labels in description.segments.items()
        ],
        gradio.Gallery(similar, visible=bool(similar)),
        [[each.video_id, each.title, f"{each.score:.3f}"] for each in description.neighbours],
    )


def _caption(start: int, segments: dict[Times, list[Label]]) -> str:
    """When a picture is from, and the best label there."""
    time = f"{start // 60}:{start % 60:02d}"
    labels = [labels for (first, end), labels in segments.items() if first <= start < end]
    return f"{time}  {_name(labels[0][0])}" if labels and labels[0] else time


def _clock(times: Times) -> str:
    return " – ".join(f"{int(seconds) // 60}:{seconds % 60:04.1f}" for seconds in times)


def _name(label: Label) -> str:
    return label.name or str(label.number)
