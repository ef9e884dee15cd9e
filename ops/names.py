"""What Terraform calls things in an environment; a test holds this to modules/."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one environment's parts."""

    project: str
    environment: str

    @property
    def prefix(self) -> str:
        """Begins the name of everything; modules/label."""
        return f"{self.project}-{self.environment}"

    @property
    def cluster(self) -> str:
        return self.prefix

    @property
    def database(self) -> str:
        """The RDS instance."""
        return self.prefix

    @property
    def drill(self) -> str:
        """The RDS instance that a restore drill makes, and deletes."""
        return f"{self.prefix}-drill"

    @property
    def nat(self) -> str:
        """The NAT instance's group, and the interface that it holds."""
        return f"{self.prefix}-nat"

    def family(self, service: str) -> str:
        """Of a service's task definitions."""
        return f"{self.prefix}-{service}"

    def log_group(self, service: str) -> str:
        return f"/{self.prefix}/{service}"

    def secret(self, name: str) -> str:
        return f"{self.prefix}/{name}"

    def scalable_target(self, service: str) -> str:
        """What application autoscaling knows the service as."""
        return f"service/{self.cluster}/{service}"
