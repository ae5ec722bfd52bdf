"""Pages of trainings: their values against those of the files, and how they work in a browser."""

import json
import shutil

import numpy as np
import pytest

from eval import metrics
from yt8m_models.program.command import UsageError
from yt8m_models.report.report.__main__ import PROGRAM
from yt8m_models.report.report.config import ReportConfig
from yt8m_models.report.report.reporting import write_report

pytest.importorskip("jinja2", reason="needs the extra `report`")

CLASSES = "Average precision of each class"


@pytest.fixture(scope="module")
def evaluated(trained, tmp_path_factory, write_picture):
    """A page with evaluation, names and thumbnails."""
    directory = tmp_path_factory.mktemp("evaluated")
    for video_id in (trained.hostile, "v1", "v2"):
        write_picture(directory / "thumbnails", video_id)
    config = ReportConfig(
        train_dir=str(trained.model),
        output=str(directory / "report.html"),
        eval_data_pattern=str(trained.records),
        vocabulary=str(trained.vocabulary),
        thumbnails=str(directory / "thumbnails"),
    )
    write_report(config)
    return directory / "report.html"


def table(page, title):
    """The texts of the cells of a table, of the rows that are shown."""
    rows = page.get_by_role("region", name=title, exact=True).locator("tbody tr:not([hidden])")
    return [row.locator("td").all_inner_texts() for row in rows.all()]


def facts(page, section):
    names, values = (
        page.locator(f"section:has(h2:text-is('{section}')) .facts {name}").all_inner_texts()
        for name in ("dt", "dd")
    )
    return dict(zip(names, values, strict=True))


def test_the_values_are_those_of_the_files(evaluated, opened, trained):
    page = opened(evaluated)
    assert page.locator("h1").inner_text() == "MoeModel"
    assert page.title() == "MoeModel · Training"
    summary = facts(page, "Summary")
    assert (summary["GAP"], summary["Loss"], summary["Steps"]) == ("0.7500", "2.1250", "60")
    assert summary["Parameters"] == f"{trained.num_parameters:,}"
    validation = table(page, "Every validation")
    assert [row[0] for row in validation] == ["20", "40 best", "60"]
    assert validation[2][1:] == ["1", "2.5000", "0.6250", "0.3750", "0.8125", "0.4375", "30"]
    titles = page.locator(".chart h3").all_inner_texts()
    assert titles == [
        *("Loss 2.1250", "Hit@1 0.6250", "PERR 0.3750", "GAP 0.7500", "mAP 0.4375"),
        "Learning rate",
    ]
    flags = dict(table(page, "Flags of the model, the data and the training"))
    recorded = json.loads((trained.model / "model_flags.json").read_text())
    assert flags["--moe_num_mixtures"] == str(recorded["moe_num_mixtures"])
    assert flags["--feature_names"] == "mean_rgb"


def test_the_evaluation_is_that_of_the_model(evaluated, opened, trained):
    page = opened(evaluated)
    found = facts(page, "Evaluation")
    labels, predictions = trained.labels, trained.predictions
    assert found["GAP"] == f"{metrics.gap(predictions, labels):.4f}"
    assert found["Hit@1"] == f"{metrics.hit_at_one(predictions, labels):.4f}"
    assert found["Videos"] == "30"
    aps = metrics.average_precision_per_class(predictions, labels)
    names = ["Zero", trained.hostile, "Two", "Three"]
    assert table(page, CLASSES) == [
        [str(label), name, str(labels[:, label].sum()), f"{aps[label]:.4f}"]
        for label, name in enumerate(names)
    ]


def test_hits_and_mistakes_are_sorted_by_their_predictions(evaluated, opened, trained):
    page = opened(evaluated)
    best = trained.predictions.argmax(axis=1)
    scores = trained.predictions.max(axis=1)
    is_hit = trained.labels[np.arange(30), best]
    order = np.argsort(-scores, kind="stable")
    names = [trained.hostile if n == 7 else f"v{n}" for n in range(30)]
    for title, wanted in (
        ("Most confident hits", [n for n in order if is_hit[n]][:24]),
        ("Most confident mistakes", [n for n in order if not is_hit[n] and n][:24]),
    ):
        cards = page.locator(f".cards:has(h3:text-is('{title}')) .card")
        assert cards.locator(".name").all_text_contents() == [names[n] for n in wanted]
        first = cards.locator("li:first-child b").all_text_contents()
        assert first == [f"{scores[n]:.3f}" for n in wanted]
    assert page.locator(".card img").count() == 3
    assert page.evaluate("[...document.images].every((image) => image.naturalWidth === 320)")


def test_hostile_ids_and_names_are_text(evaluated, opened, trained):
    page = opened(evaluated)
    assert page.title() == "MoeModel · Training"
    assert page.locator("script").count() == 1
    assert page.locator("img[onerror]").count() == 0
    assert page.get_by_text(trained.hostile, exact=True).count() > 1


def test_a_click_sorts_and_keys_too(evaluated, opened):
    page = opened(evaluated)
    region = page.get_by_role("region", name=CLASSES, exact=True)
    header = region.locator("th", has_text="average precision")
    assert header.get_attribute("aria-sort") == "none"
    header.locator("button").click()
    values = [float(row[3]) for row in table(page, CLASSES)]
    assert values == sorted(values, reverse=True)
    assert header.get_attribute("aria-sort") == "descending"
    header.locator("button").press("Enter")
    assert [float(row[3]) for row in table(page, CLASSES)] == values[::-1]
    assert header.get_attribute("aria-sort") == "ascending"
    region.locator("th", has_text="name").locator("button").click()
    assert [row[1] for row in table(page, CLASSES)][1:] == ["Three", "Two", "Zero"]
    assert header.get_attribute("aria-sort") == "none"


def test_search_hides_the_other_rows(evaluated, opened):
    page = opened(evaluated)
    title = "Flags of the model, the data and the training"
    field = page.get_by_label(f"Search in {title}")
    total = len(table(page, title))
    field.fill("MIXTURES moe")
    assert [row[0] for row in table(page, title)] == ["--moe_num_mixtures"]
    assert page.locator("output:not(:empty)").inner_text() == f"1 of {total}"
    field.fill("")
    assert len(table(page, title)) == total


def test_the_values_of_a_curve_are_shown_where_one_points(evaluated, opened):
    page = opened(evaluated)
    plot = page.locator(".chart", has_text="GAP").locator(".plot").first
    assert plot.locator(".tip").is_hidden()
    plot.hover(position={"x": plot.bounding_box()["width"] * 40 / 60, "y": 50})
    lines = plot.locator(".tip > div").all_inner_texts()
    assert [line.split("\n") for line in lines] == [
        *(["step", "40"], ["training", "0.5000"], ["validation", "0.7500"])
    ]
    plot.focus()
    plot.press("ArrowRight")
    assert plot.locator(".tip > div").all_inner_texts()[0].split("\n") == ["step", "41"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_nothing_is_wider_than_the_screen(evaluated, opened, width, scheme):
    page = opened(evaluated, width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(20, 22, 26)" if scheme == "dark" else "rgb(252, 252, 250)")


def test_without_records_the_page_has_the_last_evaluation(trained, tmp_path, opened):
    """What `yt8m eval` leaves: metrics.json and per_class.csv."""
    shutil.copytree(trained.model, tmp_path / "model")
    config = ReportConfig(str(tmp_path / "model"), output=str(tmp_path / "a.html"))
    write_report(config)
    titles = opened(tmp_path / "a.html").locator("h2").all_inner_texts()
    assert titles == ["Summary", "Curves", "Validation", "Model", "Flags"]

    (tmp_path / "model" / "eval").mkdir()
    record = {"step": 40, "eval_data_pattern": "val*", "segment_labels": False, "num_videos": 9}
    record |= {"loss": 1.5, "hit_at_one": 0.5, "perr": 0.25, "gap": 0.125, "map": None}
    (tmp_path / "model" / "eval" / "metrics.json").write_text(json.dumps(record))
    (tmp_path / "model" / "eval" / "per_class.csv").write_text(
        "class,name,positives,average_precision\n0,Zero,3,0.250000\n1,,2,\n2,Two,0,\n"
    )
    settings = {"settings": {"level": "video", "rgb_model": {"name": "vgg"}}, "flags": {}}
    (tmp_path / "model" / "extraction.json").write_text(json.dumps(settings))
    write_report(config)
    page = opened(tmp_path / "a.html")
    assert table(page, "How the features were made") == [
        *(["level", "video"], ["rgb_model: name", "vgg"])
    ]
    assert facts(page, "Evaluation") == {
        "Hit@1": "0.5000", "PERR": "0.2500", "GAP": "0.1250", "mAP": "–", "Loss": "1.5000",
        "Videos": "9",
    }  # fmt: skip
    assert table(page, CLASSES) == [["0", "Zero", "3", "0.2500"], ["1", "", "2", "–"]]


def test_a_training_of_an_embedding(tmp_path, opened):
    """The best is that with the highest NDCG."""
    (tmp_path / "embedding_model.json").write_text(
        json.dumps(
            {"model": {"fusion": "late"}, "training": {"loss": "hinge"}, "feature_names": []}
        )
    )
    (tmp_path / "training.csv").write_text("step,loss,learning_rate\n1,0.5,0.1\n2,0.25,0.1\n")
    (tmp_path / "validation.csv").write_text("step,ndcg,num_queries\n1,0.75,9\n2,0.5,9\n")
    write_report(ReportConfig(str(tmp_path), output=str(tmp_path / "report.html")))
    page = opened(tmp_path / "report.html")
    assert facts(page, "Summary") == {"NDCG@10": "0.7500", "Steps": "2"}
    assert table(page, "Every validation")[0] == ["1 best", "0.7500", "9"]
    assert ["--fusion", "late"] in table(page, "Flags of the model, the data and the training")


def test_a_page_of_all_classes_of_youtube8m_is_small(tmp_path, trained):
    shutil.copytree(trained.model, tmp_path / "model")
    (tmp_path / "model" / "eval").mkdir()
    record = {"step": 40, "eval_data_pattern": "val*", "segment_labels": False, "num_videos": 9}
    record |= dict.fromkeys(("loss", "hit_at_one", "perr", "gap", "map"), 0.5)
    (tmp_path / "model" / "eval" / "metrics.json").write_text(json.dumps(record))
    lines = [f"{label},{'Long name of a class ' * 2},{label + 1},0.123456" for label in range(3862)]
    header = "class,name,positives,average_precision"
    (tmp_path / "model" / "eval" / "per_class.csv").write_text("\n".join([header, *lines]))
    write_report(ReportConfig(str(tmp_path / "model"), output=str(tmp_path / "report.html")))
    assert (tmp_path / "report.html").stat().st_size < 2_000_000


def test_wrong_directories_are_named(tmp_path):
    output = str(tmp_path / "report.html")
    with pytest.raises(ValueError, match=r"no training\.csv with rows in --train_dir="):
        write_report(ReportConfig(train_dir=str(tmp_path), output=output))
    (tmp_path / "training.csv").write_text("step,loss\n1,2\n")
    with pytest.raises(ValueError, match=r"no model_flags\.json or embedding_model\.json in"):
        write_report(ReportConfig(train_dir=str(tmp_path), output=output))
    for name in ("tables", "extraction", "retrieval"):
        with pytest.raises(ValueError, match=rf"in --{name}_dir={tmp_path}"):
            write_report(ReportConfig(**{f"{name}_dir": str(tmp_path)}, output=output))
    assert not (tmp_path / "report.html").exists()


def test_records_with_other_features_are_refused(trained, tmp_path):
    shutil.copytree(trained.model, tmp_path / "model")
    (tmp_path / "records").mkdir()
    records = shutil.copy(trained.records, tmp_path / "records")
    for directory, model in (("model", "vgg"), ("records", "resnet")):
        extraction = {"kind": "extraction", "settings": {"rgb_model": model}, "flags": {}}
        (tmp_path / directory / "extraction.json").write_text(json.dumps(extraction))
    config = ReportConfig(
        str(tmp_path / "model"), output=str(tmp_path / "a.html"), eval_data_pattern=records
    )
    with pytest.raises(ValueError, match=r"other features (.|\n)*rgb_model.*vgg.*resnet"):
        write_report(config)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("eval/metrics.json", "{}", r"metrics\.json is not an evaluation: KeyError"),
        (
            "eval/per_class.csv",
            "class,name\n",
            r"per_class\.csv must have the columns class, name, pos",
        ),
        ("extraction.json", "{}", r"extraction\.json is not the record of an extraction"),
        ("validation.csv", "step,loss\n1\n", r"validation\.csv, line 2: not a line of numbers"),
    ],
)
def test_damaged_files_are_named(trained, tmp_path, name, content, message):
    shutil.copytree(trained.model, tmp_path / "model")
    (tmp_path / "model" / "eval").mkdir()
    record = {"step": 40, "eval_data_pattern": "val*", "segment_labels": False, "num_videos": 9}
    record |= dict.fromkeys(("loss", "hit_at_one", "perr", "gap", "map"), 0.5)
    (tmp_path / "model" / "eval" / "metrics.json").write_text(json.dumps(record))
    (tmp_path / "model" / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        write_report(ReportConfig(str(tmp_path / "model"), output=str(tmp_path / "a.html")))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "one of --train_dir, .* must be given; received none"),
        (["--train_dir=a", "--tables_dir=b"], "received --train_dir=a and --tables_dir=b"),
        (["--tables_dir=b", "--vocabulary=c"], "--vocabulary goes with --train_dir; received c"),
    ],
)
def test_the_flags_must_fit(flags, message):
    with pytest.raises(UsageError, match=message):
        PROGRAM.parse(flags)
