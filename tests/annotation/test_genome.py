"""Tests of yt8m_models.annotation.genome and genome_records."""

import pytest
import tensorflow as tf

from yt8m_models.annotation.genome import Genome, read_genome
from yt8m_models.annotation.genome_records import label_by_genome
from yt8m_models.data.records import video_record, write_records

# The relevance of tags to movies 1 to 4. The second highest of each tag: 0.8, 0.65, 0.3.
RELEVANCE = {10: (0.9, 0.8, 0.1, 0.05), 20: (0.6, 0.2, 0.7, 0.65), 30: (0.3, 0.1, 0.2, 0.9)}


@pytest.fixture
def genome_dir(tmp_path):
    lines = [
        f"{movie},{tag},{value}"
        for tag, values in RELEVANCE.items()
        for movie, value in enumerate(values, 1)
    ]
    (tmp_path / "genome-scores.csv").write_text("\n".join(["movieId,tagId,relevance", *lines]))
    (tmp_path / "genome-tags.csv").write_text('tagId,tag\n30,"sad, slow"\n10,noir\n20,cult\n')
    return str(tmp_path)


def test_the_threshold_leaves_so_many_frequent_tags(genome_dir):
    """Two of the three tags have two movies above 0.65, and 0.6 of tag 20 to movie 1 is below."""
    genome = read_genome(genome_dir, min_movies=2, num_tags=2)
    assert genome.relevance == pytest.approx(0.65)
    assert genome.tags == ["noir", "cult"]
    assert genome.labels == {b"1": [0], b"2": [0], b"3": [1], b"4": [1]}


def test_a_threshold_that_is_given(genome_dir):
    genome = read_genome(genome_dir, min_movies=2, relevance=0.3)
    assert genome.tags == ["noir", "cult", "sad, slow"]
    assert genome.labels == {b"1": [0, 1, 2], b"2": [0], b"3": [1], b"4": [1, 2]}
    rare = read_genome(genome_dir, min_movies=3, relevance=0.3)
    assert (rare.tags, rare.labels[b"2"], rare.labels[b"4"]) == (["cult"], [], [0])


@pytest.mark.parametrize("column", ["youtubeId", "video_id"])
def test_videos_are_trailers_of_movies(genome_dir, tmp_path, column):
    """One is of two movies, and one of a movie that the genome lacks."""
    path = tmp_path / "trailers.csv"
    path.write_text(f"{column},movieId,title\na-b,1,x\nc,4,y\na-b,3,z\nd,9,w\n")
    genome = read_genome(genome_dir, str(path), min_movies=2, num_tags=2)
    assert genome.labels == {b"a-b": [0, 1], b"c": [1]}


def test_what_the_genome_lacks_is_named(genome_dir, tmp_path):
    with pytest.raises(
        ValueError, match=r"must be given: 3 tags in .* have 2 movies, and the paper"
    ):
        read_genome(genome_dir, min_movies=2)
    with pytest.raises(ValueError, match=r"--genome_relevance=0\.95 leaves no tag of 2 movies"):
        read_genome(genome_dir, min_movies=2, relevance=0.95)
    (tmp_path / "genome-tags.csv").write_text("tagId,tag\n10,noir\n20,cult\n")
    with pytest.raises(ValueError, match=r"genome-tags\.csv must name each tag; it lacks 30"):
        read_genome(genome_dir, min_movies=2, relevance=0.3)
    (tmp_path / "genome-tags.csv").write_text("id,tag\n10,noir\n")
    with pytest.raises(ValueError, match=r"genome-tags\.csv cannot be read"):
        read_genome(genome_dir, min_movies=2, relevance=0.3)
    with pytest.raises(ValueError, match=r"genome-scores\.csv cannot be read"):
        read_genome(str(tmp_path / "none"))


def labels_of(path):
    examples = map(tf.train.Example.FromString, tf.data.TFRecordDataset(path).as_numpy_iterator())
    features = [example.features.feature for example in examples]
    return {
        each["id"].bytes_list.value[0]: (
            list(each["labels"].int64_list.value),
            list(each["mean_rgb"].float_list.value),
        )
        for each in features
    }


def test_records_get_the_tags_of_their_movies(tmp_path):
    """Of the first file two videos are movies, one without a tag; of the second none is."""
    genome = Genome(["noir", "cult"], {b"1": [0, 1], b"2": []}, 0.5)
    videos = {"a": (b"1", b"2", b"x"), "b": (b"y",)}
    for name, ids in videos.items():
        records = [video_record(each, [7], {"mean_rgb": [0.5, 2.0]}) for each in ids]
        write_records(tmp_path / f"{name}.tfrecord", records)
    found = label_by_genome(genome, f"{tmp_path}/*.tfrecord", f"{tmp_path}/out")
    assert found.files == (f"{tmp_path}/out/a.tfrecord",)
    assert (found.num_videos, found.num_left_out) == (2, 2)
    assert labels_of(found.files[0]) == {b"1": ([0, 1], [0.5, 2.0]), b"2": ([], [0.5, 2.0])}
    assert label_by_genome(genome, f"{tmp_path}/*.tfrecord", f"{tmp_path}/out") == found
    with pytest.raises(ValueError, match="and the genome have no id in common: ids such as 'y' an"):
        label_by_genome(genome, f"{tmp_path}/b.tfrecord", f"{tmp_path}/other")
