"""Who asks the storefront, and what each of its answers must be."""

import itertools
import os

import requests
import schemathesis

URL = os.environ["STOREFRONT_URL"]
PASSWORDS = {
    "customer": {"username": "roni_cost@example.com", "password": "roni_cost3@example.com"},
    "admin": {"username": "admin", "password": "Adm1nPassw0rd"},
}
WHO = os.environ["WHO"]

# Every request comes from another address, so that the budgets of attempts do not refuse all of
# them.
addresses = (f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in itertools.count(1))
token = None


def sign_in():
    global token
    if WHO == "guest":
        return
    url = f"{URL}/rest/V1/integration/{WHO}/token"
    answer = requests.post(url, json=PASSWORDS[WHO], headers={"X-Forwarded-For": next(addresses)}, timeout=30)
    assert answer.status_code == 200, f"{WHO} cannot sign in: {answer.status_code} {answer.text}"
    token = answer.json()


@schemathesis.hook
def before_call(context, case, kwargs):
    if token is None:
        sign_in()
    case.headers["X-Forwarded-For"] = next(addresses)
    if token is not None:
        case.headers["Authorization"] = f"Bearer {token}"


@schemathesis.hook
def after_call(context, case, response):
    global token
    # An earlier generated request has signed this user out: nothing was executed.
    if response.status_code == 401 and '"data"' not in response.text:
        token = None


@schemathesis.check
def data_or_errors(ctx, response, case):
    """The check of the server's errors that comes with schemathesis takes every refusal by a resolver for one."""
    assert response.status_code < 500, f"a server error: {response.status_code}"
    content_type = response.headers["content-type"][0]
    assert content_type.startswith("application/json"), f"no JSON: {content_type}"
    answer = response.json()
    assert isinstance(answer, dict), "no JSON object"
    assert answer.get("data") is not None or answer.get("errors"), "neither data nor errors"
    assert all(error["message"] for error in answer.get("errors", [])), "an error without a message"
