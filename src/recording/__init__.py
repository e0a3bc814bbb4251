"""MLflow as a record of runs. The only room that imports `mlflow`, and only when a store is opened."""

import os

# Before the first import of mlflow, which reads it there. Nobody asked for telemetry.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
# It prints where a run can be seen, on a stdout that is ours.
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
# MLflow would retry a server that is away for minutes, without a message. The writer retries at its own pace.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
# No progress bar for each small file, in logs too; and nothing here is pickled.
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
