"""What is asked of Redis before it is relied on."""

import pytest
from redis import RedisError

from app.infra.redis import server_facts
from tests.support.servers.valkey import ValkeyServer


def test_a_server_says_what_it_can_be_relied_on_for(valkey: ValkeyServer) -> None:
    facts = server_facts(valkey.client)
    assert (facts.eviction, facts.persistent) == ("noeviction", True)
    valkey.client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert server_facts(valkey.client).eviction == "allkeys-lru"
    finally:
        valkey.client.config_set("maxmemory-policy", "noeviction")


def test_the_time_is_the_servers(valkey: ValkeyServer) -> None:
    before = int(valkey.client.time()[0])
    assert before <= server_facts(valkey.client).time <= int(valkey.client.time()[0])


def test_what_a_server_does_not_say_is_not_made_up(
    valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A managed Redis may hide its settings."""
    monkeypatch.setattr(valkey.client, "info", dict)
    facts = server_facts(valkey.client)
    assert (facts.eviction, facts.persistent) == ("", None)


def test_a_server_that_is_gone_says_nothing(valkey: ValkeyServer) -> None:
    valkey.stop()
    with pytest.raises(RedisError):
        server_facts(valkey.client)
