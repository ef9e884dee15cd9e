"""What a path says of its caller."""


def speaks_bedrock(path: str) -> bool:
    """Whether the caller is a client of Bedrock: it reads Bedrock's errors and header names."""
    return path.startswith("/bedrock/")
