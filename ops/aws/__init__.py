"""Small adapters over boto3: typed answers, and OpsError where botocore has errors of its own."""
