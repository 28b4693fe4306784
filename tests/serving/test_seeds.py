"""The guides' own programs, as they were published, against the server."""

# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.serving.support import Client, StoreClient, serving

SAVE = """
import requests
import json

stateReq = '[{ "key": "k1", "value": "Some Data", %s"options": { %s }}]'
response = requests.post("http://localhost:3500/v1.0/state/key1", json=stateReq)
"""
GET = """
import requests
import json

response = requests.get("http://localhost:3500/v1.0/state/key1", headers={"consistency":"strong"})
print(response.headers['ETag'])
"""
DELETE = """
import requests
import json

response = requests.delete("http://localhost:3500/v1.0/state/key1", headers={"consistency":"strong", "etag": "abc12345"})
"""

NAMED = """
import requests
import json

store_name = "redis-store" # name of the state store as specified in state store component yaml file
dapr_state_url = "http://localhost:3500/v1.0/state/{}".format(store_name)
"""
NAMED_SAVE = """
stateReq = '[{ "key": "k1", "value": "Some Data", "options": { "consistency": "strong" }}]'
response = requests.post(dapr_state_url, json=stateReq)
"""
NAMED_GET = """
response = requests.get(dapr_state_url + "/key1", headers={"consistency":"strong"})
print(response.headers['ETag'])
"""
NAMED_DELETE = """
response = requests.delete(dapr_state_url + "/key1", headers={"consistency":"strong"})
"""
NAMED_ETAG = """
response = requests.get(dapr_state_url + "/key1", headers={"concurrency":"first-write"})
etag = response.headers['ETag']
newState = '[{ "key": "k1", "value": "New Data", "etag": {}, "options": { "concurrency": "first-write" }}]'.format(etag)

requests.post(dapr_state_url, json=newState)
response = requests.delete(dapr_state_url + "/key1", headers={"If-Match": "{}".format(etag)})
"""
RETRY = """
import requests
import json

# This method saves the state and returns false if failed to save state
def save_state(data):
    try:
        store_name = "redis-store" # name of the state store as specified in state store component yaml file
        dapr_state_url = "http://localhost:3500/v1.0/state/{}".format(store_name)
        response = requests.post(dapr_state_url, json=data)
        if response.status_code == 200:
            return True
    except:
        return False
    return False

# This method gets the state and returns the response, with the ETag in the header -->
def get_state(key):
    response = requests.get("http://localhost:3500/v1.0/state/<state_store_name>/{}".format(key), headers={"concurrency":"first-write"})
    return response

# Exit when save state is successful. success will be False if there's an ETag mismatch -->
success = False
while success != True:
    response = get_state("key1")
    etag = response.headers['ETag']
    newState = '[{ "key": "key1", "value": "New Data", "etag": {}, "options": { "concurrency": "first-write" }}]'.format(etag)

    success = save_state(newState)
"""


@pytest.fixture(scope="module")
def call() -> Iterator[Client]:
    with serving("redis-store=memory://") as call:
        yield call


@pytest.fixture
def store(call: Client) -> StoreClient:
    store = StoreClient(call, "redis-store")
    names = store.keys()
    for key in names:
        store.delete(key)
    return store


def run(program: str, store: StoreClient) -> requests.Response:
    """Run a program with the server's address for Dapr's; return its last response."""
    names: dict[str, requests.Response] = {}
    exec(program.replace("http://localhost:3500", store.call.url), names)
    return names["response"]


# --- the guide of 2019: no store in the path ----------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        '"consistency": "strong"',
        '"consistency": "eventual"',
        '"concurrency": "last-write"',
    ],
)
def test_saving_by_the_old_guide(store: StoreClient, options: str) -> None:
    assert run(SAVE % ("", options), store).status_code == 204
    assert store.get("k1").body == b'"Some Data"'


def test_saving_with_an_etag_by_the_old_guide(store: StoreClient) -> None:
    program = SAVE % ('"etag": "abc12345", ', '"concurrency": "first-write"')
    response = run(program, store)
    assert response.status_code == 409
    assert response.json()["errorCode"] == "ERR_STATE_SAVE"


def test_getting_by_the_old_guide(store: StoreClient, capsys: pytest.CaptureFixture[str]) -> None:
    etag = store.save({"key": "key1", "value": 1}).etag
    assert run(GET, store).status_code == 200
    assert capsys.readouterr().out == f"{etag}\n"


def test_deleting_by_the_old_guide(store: StoreClient) -> None:
    etag = store.save({"key": "key1", "value": 1}).etag
    assert run(DELETE, store).status_code == 409
    assert run(DELETE.replace("abc12345", etag), store).status_code == 204
    assert store.keys() == []


# --- the guide of 2024: a store in the path -----------------------------------------------------


def test_saving_and_deleting_by_the_guide(store: StoreClient) -> None:
    assert run(NAMED + NAMED_SAVE, store).status_code == 204
    assert store.get("k1").body == b'"Some Data"'
    assert run(NAMED + NAMED_DELETE, store).status_code == 204


def test_getting_by_the_guide(store: StoreClient, capsys: pytest.CaptureFixture[str]) -> None:
    etag = store.save({"key": "key1", "value": 1}).etag
    assert run(NAMED + NAMED_GET, store).status_code == 200
    assert capsys.readouterr().out == f"{etag}\n"


def test_getting_what_is_not_there_has_no_etag(store: StoreClient) -> None:
    with pytest.raises(KeyError, match="etag"):
        run(NAMED + NAMED_GET, store)


def test_the_braces_of_the_guide_never_worked(store: StoreClient) -> None:
    store.save({"key": "key1", "value": 1})
    with pytest.raises(KeyError, match='"key"'):
        run(NAMED + NAMED_ETAG, store)


def mended(program: str) -> str:
    """The program with its braces escaped, its ETag quoted, its key one and its status right."""
    program = program.replace("'[{ ", "'[{{ ").replace('"options": {', '"options": {{')
    program = program.replace("}}]'.format", "}}}}]'.format").replace('"etag": {}', '"etag": "{}"')
    program = program.replace('"k1"', '"key1"').replace("<state_store_name>", "redis-store")
    return program.replace("status_code == 200", "status_code == 204")


def test_the_etag_of_the_guide_with_its_slips_mended(store: StoreClient) -> None:
    store.save({"key": "key1", "value": 1})
    response = run(mended(NAMED + NAMED_ETAG), store)
    # The guide deletes with the ETag from before its own save, which is a conflict by design.
    assert response.status_code == 409
    assert store.get("key1").body == b'"New Data"'


def test_the_retry_loop_of_the_guide_with_its_slips_mended(store: StoreClient) -> None:
    store.save({"key": "key1", "value": 1})
    run(mended(RETRY), store)
    assert store.get("key1").body == b'"New Data"'
