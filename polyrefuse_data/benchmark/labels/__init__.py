"""Labels of people: a blind sample of a run's replies, what people say of them, and what that says of the judge.

    export_labels(RUN)                      a sheet (CSV), or with page=True an HTML page that works offline
    import_labels(RUN, FILE)                what a person made of it; once for each person
    scores.json: calibration                how well they agree, the judge's errors, and refusal rates without them

Labels stay in the run folder: RUN/labels/sample.json (what was drawn, and from how many) and labels.json.
"""

from polyrefuse_data.benchmark.labels.exporting import export_labels
from polyrefuse_data.benchmark.labels.importing import import_labels

__all__ = ["export_labels", "import_labels"]
