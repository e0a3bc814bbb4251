"""MLflow as a record of runs. The only room that imports `mlflow`, and only when a store is opened."""

import os

# Before the first import of mlflow, which reads it there. Nobody asked for telemetry.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
# MLflow would go on asking a server that is away for minutes, without a word.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
