"""Videos cut in segments, and the list of rated classes."""

import numpy as np
import pytest

from yt8m_models.prediction.segments import cut_segments, read_label_ids, segment_ids


@pytest.mark.parametrize("frames", [300, 301])
def test_segments_are_those_of_the_starter_code(frames, shared):
    recorded = np.load(shared / "parity" / "inference.npz")
    padded = np.pad(recorded["frames"], ((0, 0), (0, frames - 300), (0, 0)))
    segments = cut_segments(padded, recorded["num_frames"])
    np.testing.assert_array_equal(segments.video_matrix, recorded["segments/video_batch"])
    np.testing.assert_array_equal(segments.num_frames, recorded["segments/num_frames_batch"])
    pairs = np.stack([segments.videos, segments.starts], axis=1)
    np.testing.assert_array_equal(pairs, recorded["segments/video_segment_ids"])


def test_cut_segments_by_hand():
    # Videos of 7, 0 and 5 frames with sizes of 5: 2 segments (5 and 2 frames), none, and 1.
    video_matrix = np.zeros((3, 7, 1), np.uint8)
    video_matrix[0, :, 0] = np.arange(1, 8)
    video_matrix[2, :5, 0] = np.arange(11, 16)
    segments = cut_segments(video_matrix, np.array([7, 0, 5], np.int32))
    assert segments.video_matrix.dtype == np.uint8
    assert segments.video_matrix[..., 0].tolist() == [
        [1, 2, 3, 4, 5],
        [6, 7, 0, 0, 0],
        [11, 12, 13, 14, 15],
    ]
    assert segments.num_frames.tolist() == [5, 2, 5]
    ids = segment_ids(np.array([b"aa", b"bb", b"cc"], object), segments)
    assert ids.tolist() == [b"aa:0", b"aa:5", b"cc:0"]


def test_no_frames_at_all():
    segments = cut_segments(np.zeros((2, 0, 3), np.uint8), np.zeros(2, np.int32))
    assert segments.video_matrix.shape == (0, 5, 3)
    assert segment_ids(np.array([b"a", b"b"], object), segments).tolist() == []


def test_label_ids(tmp_path):
    path = tmp_path / "ids.csv"
    path.write_text("Index\n7\n\n3\n7\n")
    assert read_label_ids(str(path), 8).tolist() == [3, 7]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Index\n3\n8\n", "line 3: must be a class id from 0 to 7.*received '8'"),
        ("1\nx\n", "line 2: must be a class id.*received 'x'"),
        ("-1\n-2\n", "line 2: must be a class id.*received '-2'"),
        ("Index\n", "lists no class"),
    ],
)
def test_wrong_label_ids(tmp_path, text, message):
    path = tmp_path / "ids.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"--segment_label_ids_file={path}.*{message}"):
        read_label_ids(str(path), 8)


def test_the_first_label_id_may_stand_behind_a_byte_order_mark(tmp_path):
    (tmp_path / "ids.csv").write_bytes(b"\xef\xbb\xbf3\r\n5\r\n")
    assert read_label_ids(str(tmp_path / "ids.csv"), 8).tolist() == [3, 5]


def test_missing_label_ids(tmp_path):
    with pytest.raises(OSError, match=r"--segment_label_ids_file=.*absent\.csv"):
        read_label_ids(str(tmp_path / "absent.csv"), 8)


def test_the_challenge_file_is_read(shared):
    path = shared / "data" / "segment_label_ids.csv"
    ids = read_label_ids(str(path), 3862)
    assert len(ids) == 1000
    assert (np.diff(ids) > 0).all()
    with pytest.raises(ValueError, match="as the model has 100 classes"):
        read_label_ids(str(path), 100)
