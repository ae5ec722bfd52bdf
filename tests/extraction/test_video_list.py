"""Tests of the list of videos: patterns, CSVs, ids and labels."""

import pytest

from yt8m_models.extraction.video_list import Video, read_videos

NAMES = {0: "Game", 1: "Video game", 7: "Dog"}


@pytest.fixture
def files(tmp_path):
    """Files `a.mp4`, `b,c.mp4` and `d[1].tar.mp4`; their directory."""
    for name in ("a.mp4", "b,c.mp4", "d[1].tar.mp4"):
        (tmp_path / name).touch()
    return tmp_path


def csv(path, *lines, encoding="utf-8"):
    path.write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))
    return str(path)


def test_ids_are_the_names_of_the_files(files):
    assert read_videos(f"{files}/*.mp4") == [
        Video("a", f"{files}/a.mp4"),
        Video("b,c", f"{files}/b,c.mp4"),
        Video("d[1].tar", f"{files}/d[1].tar.mp4"),
    ]
    listed = csv(files / "list.txt", f"{files}/d[1].tar.mp4", f"{files}/a.mp4")
    assert [video.id for video in read_videos(f"@{listed}")] == ["d[1].tar", "a"]


def test_two_files_of_one_name_are_refused_unless_a_csv_gives_ids(files):
    (files / "other").mkdir()
    other = files / "other" / "a.avi"
    other.touch()
    with pytest.raises(ValueError, match=r"a\.mp4 and .*other/a\.avi would have one id, 'a'") as no:
        read_videos(f"{files}/a.mp4,{other}")
    assert "--videos=list.csv" in str(no.value)
    listed = csv(files / "l.csv", "video_id,path,note", f"x,{other},hm", f",{files}/a.mp4,")
    assert read_videos(listed) == [Video("x", str(other)), Video("a", f"{files}/a.mp4")]


@pytest.mark.parametrize(
    ("video_id", "reason"),
    [
        ('"two\nlines"', r"an id must not have '\\n'"),
        ("x" * 513, r"an id must have at most 512 bytes; it has 513"),
    ],
)
def test_ids_that_no_output_can_hold_are_refused(files, video_id, reason):
    listed = csv(files / "l.csv", "path,video_id", f"{files}/a.mp4,{video_id}")
    with pytest.raises(ValueError, match=reason) as refused:
        read_videos(listed)
    assert "l.csv, line " in str(refused.value)


def test_a_csv_of_videos_may_have_labels_and_a_byte_order_mark(files):
    listed = csv(files / "l.csv", "path,labels", "one.mp4,7 1", "two.mp4,", encoding="utf-8-sig")
    assert read_videos(listed) == [Video("one", "one.mp4", (1, 7)), Video("two", "two.mp4", ())]


def test_labels_by_number_and_by_name(files):
    labels = csv(files / "labels.csv", "video_id,labels", "a,1 0 1", '"b,c",Video game; Dog')
    found = read_videos(f"{files}/*.mp4", labels, NAMES)
    assert [video.labels for video in found] == [(0, 1), (1, 7), ()]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a,Cat", r"'Cat' is not in the --vocabulary of 3 classes"),
        ("a,Game Dog", r"'Game Dog' is not in the --vocabulary"),
        ("a,2", r"the class 2 is not in the --vocabulary"),
        ("a,0,1", r"there are more fields than columns"),
    ],
)
def test_labels_that_are_no_classes_are_named_with_their_line(files, line, reason):
    labels = csv(files / "labels.csv", "video_id,labels", "x,0", line)
    with pytest.raises(ValueError, match=rf"--labels=.*labels\.csv, line 3: .*{reason}"):
        read_videos(f"{files}/*.mp4", labels, NAMES)


def test_labels_need_a_vocabulary_for_names(files):
    labels = csv(files / "labels.csv", "video_id,labels", "a,Dog")
    with pytest.raises(ValueError, match="'Dog' is not in the --vocabulary, and there is none"):
        read_videos(f"{files}/*.mp4", labels)


def test_other_mistakes_in_csvs(files):
    pattern = f"{files}/*.mp4"
    with pytest.raises(ValueError, match=r"must have the column labels; it has video_id, label"):
        read_videos(pattern, csv(files / "x.csv", "video_id,label", "a,0"))
    with pytest.raises(ValueError, match=r"line 3: the video 'a' is there twice"):
        read_videos(pattern, csv(files / "x.csv", "video_id,labels", "a,0", "a,1"))
    with pytest.raises(ValueError, match=r"--videos and --labels have no id in common"):
        read_videos(pattern, csv(files / "x.csv", "video_id,labels", "a.mp4,0"))
    with pytest.raises(ValueError, match=r"must have the column path; it has file"):
        read_videos(csv(files / "x.csv", "file", "a.mp4"))
    with pytest.raises(ValueError, match=r"x\.csv lists no video"):
        read_videos(csv(files / "x.csv", "path"))
    both = csv(files / "x.csv", "path,labels", "a.mp4,0")
    with pytest.raises(ValueError, match="are both given"):
        read_videos(both, csv(files / "y.csv", "video_id,labels", "a,0"))
    with pytest.raises(OSError, match=r"--videos=.*none\.csv"):
        read_videos(f"{files}/none.csv")
