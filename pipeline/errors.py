"""Errors that a user can mend. The command line shows them without a traceback.

UserError
├── ConfigError              pipeline.errors: mistakes in the configuration
├── BrokersUnreachableError  runners.kafka.admin: no broker answers, or none lets us in
├── BrokerError              runners.kafka.broker: a broker cannot run here
├── JarError                 runners.java.jars: a Java part is not to be had
├── JavaError                runners.java.find_java: no Java that is new enough
├── JavaProcessError         runners.java.java_process: a JVM ended, or was not ready in time
└── TooSlowError             tracing_aggregator.dashboard.store: a question to the store takes too long
"""


class UserError(Exception):
    """Something the user can mend: what happened and why, and what to do about it.

    Args:
        message: what happened and why, one sentence or several lines; never a secret.
        todo: the next step, best of all a command to type; empty when the message says it.
    """

    def __init__(self, message: str, todo: str = "") -> None:
        super().__init__(message, todo)
        self.message = message
        self.todo = todo

    def __str__(self) -> str:
        return f"{self.message}\n{self.todo}" if self.todo else self.message


class ConfigError(UserError):
    """The configuration cannot be used; lists every mistake, each with where it was made."""

    def __init__(self, mistakes: list[str], todo: str = "") -> None:
        heading = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        super().__init__(
            "\n".join([f"{heading} in the configuration:", *(f"  {mistake}" for mistake in mistakes)]), todo
        )
        self.mistakes = mistakes

    def __reduce__(self) -> tuple[type["ConfigError"], tuple[list[str], str]]:
        return ConfigError, (self.mistakes, self.todo)
