"""Reads `sasl.jaas.config`, where Java keeps its login, for librdkafka."""

import re
from collections.abc import Mapping

from pipeline.errors import UserError

_LOGIN = re.compile(r"\s*([\w.$]+)\s+(?:required|requisite|sufficient|optional)\b(.*?);?\s*", re.DOTALL | re.IGNORECASE)
_OPTION = re.compile(r"""([\w.-]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|([^\s;"']+))""", re.DOTALL)

_PASSWORD_LOGIN = {"username": "sasl.username", "password": "sasl.password"}

# Java's login module: its options, and librdkafka's names for them.
_MODULES = {
    "PlainLoginModule": _PASSWORD_LOGIN,
    "ScramLoginModule": _PASSWORD_LOGIN,
    "Krb5LoginModule": {"principal": "sasl.kerberos.principal", "keyTab": "sasl.kerberos.keytab"},
    "OAuthBearerLoginModule": {
        "clientId": "sasl.oauthbearer.client.id",
        "clientSecret": "sasl.oauthbearer.client.secret",
        "scope": "sasl.oauthbearer.scope",
    },
}
# The subject of a token that nobody signed: for trials only, in Java as in librdkafka.
_UNSIGNED_SUBJECT = "unsecuredLoginStringClaim_sub"


def jaas_properties(java: Mapping[str, str]) -> dict[str, str]:
    """Librdkafka's properties for the login in `sasl.jaas.config`; none without it.

    Raises:
        UserError: the text is no login, lacks a name or password, or names a module that only Java has.
    """
    text = java.get("sasl.jaas.config")
    if not text:
        return {}
    login = _LOGIN.fullmatch(text)
    if login is None:
        raise UserError(
            "sasl.jaas.config is not of the form: module required option=value …;",
            'For example: org.apache.kafka.common.security.plain.PlainLoginModule required username="…" password="…";',
        )
    module = login[1].rpartition(".")[2]
    names = _MODULES.get(module)
    if names is None:
        raise UserError(
            f"sasl.jaas.config: the login module {login[1]} exists only in Java.",
            f"Without Java these work: {', '.join(sorted(_MODULES))}.",
        )
    options = {match[1]: _unquoted(match) for match in _OPTION.finditer(login[2])}
    if names is _PASSWORD_LOGIN and (missing := sorted(names.keys() - options.keys())):
        raise UserError(
            f"sasl.jaas.config lacks {' and '.join(missing)}.", f'Add {missing[0]}="…" before the semicolon.'
        )
    properties = {names[option]: value for option, value in options.items() if option in names}
    if module == "OAuthBearerLoginModule" and _UNSIGNED_SUBJECT in options:
        properties["enable.sasl.oauthbearer.unsecure.jwt"] = "true"
        properties["sasl.oauthbearer.config"] = f"principal={options[_UNSIGNED_SUBJECT]}"
    return properties


def _unquoted(option: re.Match[str]) -> str:
    quoted = option[2] if option[2] is not None else option[3]
    return option[4] if quoted is None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
