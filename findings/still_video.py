"""One picture, and ffmpeg's encoders on it: what the findings on still video share."""

import subprocess

import imageio_ffmpeg
import numpy as np

SIDE = 256
RAW = ["-f", "rawvideo", "-pix_fmt", "yuv420p"]
random = np.random.default_rng(0)


def plane(size):
    """Noise of the spectrum of photographs, as 8 bits."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None])
    frequency[0, 0] = 1
    values = np.fft.ifft2(np.fft.fft2(random.normal(size=(size, size))) / frequency**1.2).real
    return (128 + 40 * values / values.std()).clip(16, 235).astype(np.uint8)


PICTURE = b"".join(plane(size).tobytes() for size in (SIDE, SIDE // 2, SIDE // 2))


def run(arguments, data):
    """What ffmpeg writes when it is given `data`."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", *arguments, "-"]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def encode(*options, form="obu"):
    """The picture's stream by an encoder's options; `form` is ffmpeg's name of a stream without container."""
    return run([*RAW, "-s", f"{SIDE}x{SIDE}", "-i", "-", "-frames:v", "1", *options, "-f", form], PICTURE)


def decode(stream, form="obu"):
    """The pixels of a stream."""
    return run(["-f", form, "-i", "-", "-frames:v", "1", *RAW], stream)


def tell_psnr(pixels):
    """How far pixels are from the picture, in words."""
    error = np.mean((np.frombuffer(pixels, np.uint8).astype(float) - np.frombuffer(PICTURE, np.uint8)) ** 2)
    return f"{10 * np.log10(255**2 / error):.2f} dB" if error else "lossless"


print(f"imageio-ffmpeg {imageio_ffmpeg.__version__}, ffmpeg {imageio_ffmpeg.get_ffmpeg_version()}")
