"""Makes the files of this folder; see README.md. Deterministic: the same packages make the same bytes."""

import base64
import math
import os
import struct
import tempfile
import zlib

import heatshrink2
import pybgcode
from pybgcode import _bgcode

FIRST, LAST = "M117 First command\n", "M117 Last command\n"


def commands():
    """Commands as slicers write them, more than DEFLATE's window of 32 KiB."""
    lines = [FIRST, "M73 P0 R12\n", "M862.3 P \"MK3S\" ; printer model check\n", "G90 ; use absolute coordinates\n",
             "M83\n", "G28 W ; home all\n", "G1 Z0.2 F720\n", "M117 Druckt \u017dlu\u0165 100 %\n", "T0\n"]
    for layer in range(26):
        z = 0.2 * (layer + 1)
        lines += [";LAYER_CHANGE\n", f";Z:{z:.1f}\n", ";HEIGHT:0.2\n", f"M73 P{layer * 4} R{12 - layer // 2}\n",
                  f"G1 Z{z:.1f} F9000\n", ";TYPE:External perimeter\n", "G1 F1800\n", "\n"]
        for step in range(64):
            angle = step * math.pi / 32
            radius = 20 + 3 * math.cos(angle * 7 + layer)
            x, y = 100 + radius * math.cos(angle), 100 + radius * math.sin(angle)
            lines.append(f"G1 X{x:.3f} Y{y:.3f} E{0.05 + 0.01 * math.sin(angle):.5f}\n")
        lines += ["G1 E-.8 F2100 ; retract\n", "G2 X101.5 Y99 I1.25 J-.5 E.031\n", "M106 S127.5\n", "G4 P20\n"]
    lines += ["M104 S0 ; turn off temperature\n", "M84\n", LAST]
    return "".join(lines)


def png(width, height):
    """A real picture."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes((x * y + y) & 255 for x in range(width)) for y in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def thumbnail(kind, width, height, data):
    text = base64.b64encode(data).decode()
    lines = [f"; thumbnail{kind} begin {width}x{height} {len(text)}\n"]
    lines += [f"; {text[start:start + 78]}\n" for start in range(0, len(text), 78)]
    return "".join(lines) + f"; thumbnail{kind} end\n;\n"


PNG = png(16, 16)
QOI = b"qoif" + struct.pack(">IIBB", 16, 12, 3, 0) + bytes(range(64)) + bytes(7) + b"\1"
METADATA = """
; filament used [mm] = 812.34
; filament used [cm3] = 1.95
; filament used [g] = 2.42
; filament cost = 0.06
; total filament used [g] = 2.42
; total filament cost = 0.06
; estimated printing time (normal mode) = 12m 5s
; estimated printing time (silent mode) = 12m 40s

; prusaslicer_config = begin
; bed_temperature = 60
; brim_width = 0
; filament_type = PLA
; fill_density = 15%
; ironing = 0
; layer_height = 0.2
; max_layer_z = 4.8
; nozzle_diameter = 0.4
; printer_model = MK3S
; support_material = 0
; temperature = 215
; prusaslicer_config = end
"""


def convert(function, source, *arguments):
    """Runs a conversion of libbgcode, which wants files."""
    with tempfile.TemporaryDirectory() as folder:
        inside, outside = os.path.join(folder, "in"), os.path.join(folder, "out")
        with open(inside, "wb") as file:
            file.write(source)
        reader, writer = pybgcode.open(inside, "rb"), pybgcode.open(outside, "wb")
        result = function(reader, writer, *arguments)
        pybgcode.close(reader)
        pybgcode.close(writer)
        assert result == pybgcode.EResult.Success, pybgcode.translate_result(result)
        with open(outside, "rb") as file:
            return file.read()


def by_libbgcode(text, compression, encoding, checksum="CRC32"):
    config = pybgcode.get_config()
    config.checksum = getattr(_bgcode.ChecksumType, checksum)
    config.gcode_encoding = getattr(_bgcode.GCodeEncodingType, encoding)
    kind = getattr(_bgcode.CompressionType, compression)
    for block in ("file_metadata", "printer_metadata", "print_metadata", "slicer_metadata", "gcode"):
        setattr(config.compression, block, kind)
    return convert(pybgcode.from_ascii_to_binary, text.encode(), config)


def between_marks(data):
    """The commands of a converted file."""
    text = data.decode()
    return text[text.index(FIRST):text.index(LAST) + len(LAST)]


def block(kind, parameters, data, compression=0, packed=None, checksum=True):
    """A block as the specification has it."""
    if compression == 0:
        header = struct.pack("<HHI", kind, 0, len(data))
        packed = data
    else:
        header = struct.pack("<HHII", kind, compression, len(data), len(packed))
    whole = header + parameters + packed
    return whole + struct.pack("<I", zlib.crc32(whole)) if checksum else whole


def by_specification(checksum):
    """All kinds of blocks, written from the specification."""
    metadata = struct.pack("<H", 0)
    printer = b"printer_model=MK3S\nfilament_type=PLA;PETG\ntemperature=215,230\n"
    slicer = b"layer_height=0.2\n" * 200
    texts = [b"G28\nG1 X10 Y20\n", b"M104 S0\nM84\n", b"", b"M117 done\n"]
    blocks = [
        (0, metadata, b"Producer=Script 1.0\n"),
        (3, metadata, printer, 1, zlib.compress(printer)),
        (5, struct.pack("<HHH", 0, 16, 16), PNG),
        (5, struct.pack("<HHH", 2, 16, 12), QOI, 1, zlib.compress(QOI)),
        (4, metadata, b"estimated printing time (normal mode)=1m 2s\n"),
        (2, metadata, slicer, 3, heatshrink2.compress(slicer, 12, 4)),
        (1, struct.pack("<H", 0), texts[0]),
        (1, struct.pack("<H", 0), texts[1], 1, zlib.compress(texts[1])),
        (1, struct.pack("<H", 0), texts[2]),
        (1, struct.pack("<H", 0), texts[3], 2, heatshrink2.compress(texts[3], 11, 4)),
    ]
    header = b"GCDE" + struct.pack("<IH", 1, 1 if checksum else 0)
    return header + b"".join(block(*each, checksum=checksum) for each in blocks)


def deflate(data, level=9, strategy=zlib.Z_DEFAULT_STRATEGY):
    packer = zlib.compressobj(level, zlib.DEFLATED, 15, 9, strategy)
    return packer.compress(data) + packer.flush()


def write(name, data):
    with open(os.path.join(os.path.dirname(__file__) or ".", name), "wb") as file:
        file.write(data)


def main():
    text = commands()
    plain = text.encode()
    assert len(plain) > 40000
    write("commands.gcode", plain)
    write("best.zlib", deflate(plain))
    write("fastest.zlib", deflate(plain, 1))
    write("stored.zlib", deflate(plain[:3000], 0))
    write("fixed.zlib", deflate(plain[:6000], 9, zlib.Z_FIXED))
    write("huffman.zlib", deflate(plain[:6000], 9, zlib.Z_HUFFMAN_ONLY))
    # Every byte with very different frequencies: code words of all lengths up to 15 bits.
    skewed = b"".join(bytes([value]) * max(1, 20000 >> value) for value in range(256))
    write("skewed.zlib", deflate(skewed, 9, zlib.Z_HUFFMAN_ONLY))
    for bits in (11, 12):
        write(f"commands.hs{bits}", heatshrink2.compress(plain, bits, 4))
    write("zeros.hs11", heatshrink2.compress(bytes(5000), 11, 4))

    ascii_file = ("; generated by PrusaSlicer 2.8.1 on 2026-01-15 at 10:00:00 UTC\n\n" + thumbnail("", 16, 16, PNG)
                  + thumbnail("_QOI", 16, 12, QOI) + "\n" + text + METADATA)
    for compression, encoding in (("none", "none"), ("Deflate", "none"), ("Deflate", "MeatPack"),
                                  ("Heatshrink_11_4", "MeatPack"), ("Heatshrink_12_4", "none"),
                                  ("Heatshrink_12_4", "MeatPackComments")):
        data = by_libbgcode(ascii_file, compression, encoding)
        write(f"libbgcode-{compression}-{encoding}.bgcode", data)
        unpacked = between_marks(convert(pybgcode.from_binary_to_ascii, data, True))
        if encoding == "none":
            # The text that comes back lacks only its blank lines.
            assert unpacked == text.replace("\n\n", "\n"), compression
        else:
            write(f"libbgcode-{encoding}.gcode", unpacked.encode())
    write("specification.bgcode", by_specification(True))
    write("specification-unchecked.bgcode", by_specification(False))


main()
