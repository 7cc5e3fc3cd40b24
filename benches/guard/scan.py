"""Scans texts with Presidio (pattern recognizers only) or detect-secrets. Reads the lines of
`guard_table texts` from standard input and writes a line for each that concerns the tool.
Usage: scan.py presidio|detect-secrets"""

import json
import logging
import os
import sys
import tempfile
import time

THRESHOLD = 0.35
TURNS = 3
# The kinds of Presidio's that Alfred looks for by default.
DEFAULTS = [
    "CREDIT_CARD", "CRYPTO", "EMAIL_ADDRESS", "IBAN_CODE", "IP_ADDRESS", "MAC_ADDRESS", "PHONE_NUMBER", "US_SSN",
]  # fmt: skip


def presidio():
    """A function from a text and the kinds that are wanted to values."""
    import spacy
    from presidio_analyzer import AnalyzerEngine, PatternRecognizer, RecognizerRegistry
    from presidio_analyzer import predefined_recognizers
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    logging.disable(logging.WARNING)

    class Blank(SpacyNlpEngine):
        """Words without a model: names and places are not looked for."""

        def __init__(self):
            super().__init__()
            self.nlp = {"en": spacy.blank("en")}

    registry = RecognizerRegistry(supported_languages=["en"])
    for name in dir(predefined_recognizers):
        kind = getattr(predefined_recognizers, name)
        local = name == "PhoneRecognizer" or isinstance(kind, type) and issubclass(kind, PatternRecognizer)
        if local and kind is not PatternRecognizer:
            registry.add_recognizer(kind(supported_language="en"))
    engine = AnalyzerEngine(registry=registry, nlp_engine=Blank(), supported_languages=["en"])

    def scan(text, kinds=DEFAULTS):
        found = engine.analyze(text, language="en", entities=kinds, score_threshold=THRESHOLD)
        return [[one.start, one.end, one.entity_type] for one in found]

    every = sorted(set(engine.get_supported_entities("en")))
    return scan, every


def answers_of_presidio(lines):
    scan, every = presidio()
    for line in lines:
        kind, text = line["kind"], line["text"]
        if kind == "timed":
            yield {"kind": kind, "time": best(lambda: scan(text))}
        elif kind != "secrets":
            yield {"kind": kind, "values": scan(text, every if kind == "units" else DEFAULTS)}


def answers_of_detect_secrets(lines):
    from detect_secrets.core import scan
    from detect_secrets.settings import default_settings

    # It scans files only; this one lies in memory where the system has such a folder.
    folder = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=folder) as where, default_settings():
        path = os.path.join(where, "text")
        for line in lines:
            if line["kind"] in ("documents", "units"):
                continue
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(line["text"])
            if line["kind"] == "timed":
                yield {"kind": "timed", "time": best(lambda: list(scan.scan_file(path)))}
            else:
                yield {"kind": line["kind"], "secret": any(True for _ in scan.scan_file(path))}


def best(work):
    """The best time of some turns, in microseconds."""
    times = []
    for _ in range(TURNS):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times) * 1e6


def main():
    answers = {"presidio": answers_of_presidio, "detect-secrets": answers_of_detect_secrets}[sys.argv[1]]
    for answer in answers(json.loads(line) for line in sys.stdin):
        print(json.dumps(answer))


main()
