"""FreshBooks: OAuth, accounting resources and webhooks of any number of accounts (reference/freshbooks.md).

Control endpoints of its own, beside those in `server`:

    POST /_control/accounts   {"account_id", "business_id", "client_id", "client_secret"[, "refresh_token",
                              "access_token", "plan_has_bills", "plan_error_status", "scope", "name",
                              "categories": [{"id", "category"}], "currency_code", ...]}; answers with the
                              tokens. Again with the same id changes what is given and keeps the records.
                              `bills` names further options.
    POST /_control/token      {"account_id"}: an access token for a person who uses the web application
    POST /_control/consent    {"account_id"[, "allow": false]}: who logs in at /oauth/authorize/ from now on,
                              and whether they allow the connection
    POST /_control/webhooks   {"drop_next": n} | {"repeat_next": k[, "count": n]} | {"pause": true}
    POST /_control/deliver    {"account_id", "name", "object_id"}: one event by hand
    GET  /_control/deliveries every attempt at a delivery
    POST /_control/drain      [{"timeout"}] block until every delivery is settled
    POST /_control/settings   {"expires_in", "created_at_age", "revoke_old_access", "rate_limit",
                              "retry_seconds", "sign_handshake", "switch_off_after"}: a callback of which so many
                              deliveries in a row were dropped is no longer verified, until it is again
"""

from __future__ import annotations

import re
import secrets
from typing import Any, ClassVar, cast

from local.simulators.accounting import (
    Books,
    Categories,
    Clients,
    Items,
    Resource,
    Taxes,
    error,
    refusal,
    result,
)
from local.simulators.bills import Bills, BillVendors
from local.simulators.invoices import Estimates, Invoices
from local.simulators.messages import Refusal, Request, Response, answer, html
from local.simulators.oauth import DEFAULT_SCOPE, Grant, Grants, denied
from local.simulators.server import Simulator
from local.simulators.webhooks import Webhooks

RESOURCES: tuple[type[Resource], ...] = (
    Clients,
    Categories,
    Taxes,
    Items,
    Invoices,
    Estimates,
    BillVendors,
    Bills,
)
DEFAULTS: dict[str, Any] = {
    "plan_has_bills": True,
    "plan_error_status": 200,  # as it was seen, with no result beside the errors (2.8)
    "bill_update": "works",
    "bill_vendor_filter": "works",
    "bills_show_vendor": False,
    "bill_quantity": "decimal",
    "bill_price_places": None,
    "currency_code": "USD",
    "scope": DEFAULT_SCOPE,
    "identity_id": 712052,
    "name": "Example Supply Co",
}
PLAN_TEXTS = {41001: "You do not have access to bills.", 31001: "You do not have access to bill vendors."}


class FreshBooksSimulator(Simulator):
    vendor = "freshbooks"
    default_settings: ClassVar[dict[str, Any]] = {
        "expires_in": 43200,
        "created_at_age": 0,
        "revoke_old_access": False,
        "rate_limit": None,
        "retry_seconds": [1, 5, 15],
        "sign_handshake": False,
        "switch_off_after": 0,  # never: FreshBooks does it "after a long time", which nobody has measured
    }

    webhooks: Webhooks = None  # type: ignore[assignment]  # made by clear(), which a simulator begins with

    def clear(self) -> None:
        if self.webhooks is not None:
            self.webhooks.close()
        self.accounts: dict[str, dict[str, Any]] = {}
        self.books: dict[str, Books] = {}
        self.grants = Grants(self.accounts, self.settings, self.now)
        self.webhooks = Webhooks(self.lock, self.stopping, self.settings, self._zulu)
        self.windows: dict[tuple[str, int], int] = {}

    def _zulu(self) -> str:
        return self.stamp().replace("+00:00", "Z")

    # Control

    def add_account(self, spec: dict[str, Any]) -> dict[str, Any]:
        given = {k: v for k, v in spec.items() if k not in ("refresh_token", "access_token", "categories")}
        account_id = given["account_id"]
        known = {"account_id", "business_id", "client_id", "client_secret", *DEFAULTS}
        if unknown := set(given) - known:
            raise ValueError(f"an account has no {', '.join(sorted(unknown))}")
        new = account_id not in self.accounts
        if not new:
            self.accounts[account_id].update(given)
        else:
            required = {
                name: given[name] for name in ("account_id", "business_id", "client_id", "client_secret")
            }
            self.accounts[account_id] = {**DEFAULTS, **required, **given}
            self.books[account_id] = Books(self.accounts[account_id], self.now, RESOURCES)
        config, books = self.accounts[account_id], self.books[account_id]
        categories = cast(Categories, books.by_plural["categories"])
        fallback = [] if categories.rows else [{"id": 3696445, "category": "Purchases"}]
        for category in spec.get("categories", fallback):
            categories.add(category)
        told = {"account_id": account_id}
        if new or "refresh_token" in spec:
            told["refresh_token"] = spec.get("refresh_token") or secrets.token_hex(32)
            self.grants.refresh[told["refresh_token"]] = Grant(
                account_id, config["client_id"], config["scope"]
            )
        if new or "access_token" in spec:
            token = spec.get("access_token") or self.grants.mint(account_id)
            told["access_token"] = self.grants.admit(token, account_id)
        return told

    def control(self, verb: str, parts: list[str], request: Request) -> Any:
        body = request.json() or {}
        match verb, parts:
            case "POST", ["drain"]:  # outside the lock until there is something to look at
                return {"drained": self.drain(float(body.get("timeout", 60)))}
            case "POST", ["webhooks"]:
                return self.webhooks.arrange(body)
        with self.lock:
            match verb, parts:
                case "POST", ["token"]:
                    account_id = body["account_id"]
                    return {
                        "access_token": self.grants.admit(
                            self.grants.mint(account_id), account_id, DEFAULT_SCOPE
                        )
                    }
                case "POST", ["consent"]:
                    self.grants.consenting = self.accounts[body["account_id"]]["account_id"]
                    self.grants.allowing = bool(body.get("allow", True))
                    return {"account_id": self.grants.consenting, "allow": self.grants.allowing}
                case "POST", ["deliver"]:
                    config = self.accounts[body["account_id"]]
                    return {"callbacks": self.webhooks.fire(config, body["name"], body["object_id"])}
                case "GET", ["deliveries"]:
                    return self.deliveries()
        return None

    def drain(self, timeout: float = 60) -> bool:
        """Block until every delivery is settled, retries included."""
        return self.webhooks.drain(timeout)

    def deliveries(self) -> list[dict[str, Any]]:
        with self.lock:
            return [dict(entry) for entry in self.webhooks.log]

    def expire_tokens(self) -> int:
        count = len(self.grants.access)
        self.grants.access.clear()
        return count

    def account_of(self, request: Request) -> str | None:
        grant = self.grants.holder(request.bearer)
        if grant is None and request.path.endswith("/oauth/token"):
            grant = self.grants.refresh.get(request.fields().get("refresh_token", ""))
        return grant.account_id if grant else None

    def stored(self) -> dict[str, Any]:
        callbacks = self.webhooks.callbacks.values()
        return {
            "accounts": {
                account_id: {
                    "config": {k: v for k, v in config.items() if k != "client_secret"},
                    "tokens": self.grants.told(account_id),
                    **{r.plural: list(r.rows.values()) for r in self.books[account_id].by_plural.values()},
                    "callbacks": [
                        {**c.told(), "verifier": c.verifier} for c in callbacks if c.account_id == account_id
                    ],
                }
                for account_id, config in self.accounts.items()
            }
        }

    def vendor_error(self, status: int) -> Response:
        """No real 429 or 5xx was ever published; 200 is the plan's error, seen with that status (5.1)."""
        match status:
            case 200:
                return answer(200, {"response": {"errors": [error(41001, PLAN_TEXTS[41001])]}})
            case 401:
                return denied(401, "unauthenticated", "This action requires authentication to continue.")
            case 403:
                return answer(403, {"response": {"errors": [error(1003, "Access denied.")]}})
            case 500:
                return answer(500, {"response": {"errors": [error(500, "Internal server error.")]}})
            case 503:
                return html(503, "503 Service Temporarily Unavailable")
        return Response(status)

    # The vendor's own paths

    def handle(self, request: Request) -> Response:
        response = self._limited(request)
        if response.status == 0:
            try:
                answered = self._route(request)
            except Refusal as caught:
                answered = caught.response
            answered.headers.update(response.headers)
            return answered
        return response

    def _limited(self, request: Request) -> Response:
        """The headers of every answer, Retry-After on a 200 too (5.4); status 0 means within the limit."""
        group = request.path.split("/")[1]
        limit = 20 if group in ("auth", "events") else 600
        window = int(self.now()) // 60
        used = self.windows[group, window] = self.windows.get((group, window), 0) + 1
        enforced = self.settings["rate_limit"]
        limit = enforced if enforced is not None else limit
        reset = (window + 1) * 60
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(0, limit - used)),
            "X-RateLimit-Reset": str(reset),
            "Retry-After": "59",
        }
        return Response(429 if enforced is not None and used > limit else 0, headers=headers)

    def _route(self, request: Request) -> Response:
        path, verb = request.path.rstrip("/"), request.method
        # Two sets of addresses are advertised and work the same (1.1).
        if found := re.fullmatch(r"(?:/service)?(?:/auth)?/oauth/(authorize|token|revoke)", path):
            match found[1], verb:
                case "authorize", "GET":
                    return self.grants.authorize(request)
                case "token", "POST":
                    return self.grants.token(request)
                case "revoke", "POST":
                    return self.grants.revoke(request)
        grant = self.grants.holder(request.bearer)
        if found := re.fullmatch(r"/events/account/([^/]+)/events/callbacks(?:/([^/]+))?", path):
            if grant is None:
                text = "invalid_token: The request token failed to authenticate or validate."
                return answer(401, {"errno": 401, "message": text})
            if found[1] != grant.account_id:
                return answer(404, {"errno": 404, "message": "Requested resource could not be found."})
            return self.webhooks.handle(request, self.accounts[found[1]], found[2])
        if grant is None:
            return self.vendor_error(401)
        if path == "/auth/api/v1/users/me" and verb == "GET":
            return self._me(grant)
        if found := re.fullmatch(r"/accounting/account/([^/]+)/(\w+)/(\w+)(?:/([^/]+))?", path):
            return self._account(request, grant, *found.groups())
        return answer(404, {"message": "Not found."})

    def _me(self, grant: Grant) -> Response:
        """Who the token belongs to: `response` without `result`, business.id beside the account_id (1.7)."""
        config = self.accounts[grant.account_id]
        account_id, identity = config["account_id"], config["identity_id"]
        business = {
            "id": config["business_id"],
            "business_uuid": f"00000000-0000-4000-8000-{int(config['business_id']):012d}",
            "account_id": account_id,
            "name": config["name"],
            "date_format": "mm/dd/yyyy",
            "active": True,
        }
        role = {"id": 61270, "role": "admin", "systemid": 654654, "userid": 1, "accountid": account_id}
        me = {
            "id": identity,
            "identity_id": identity,
            "identity_uuid": f"00000000-0000-4000-8000-{int(identity):012d}",
            "setup_complete": True,
            "permissions": {account_id: {}},
            "subscription_statuses": {account_id: "active"},
            "business_memberships": [{"id": 140130, "role": "owner", "business": business}],
            "roles": [role],
        }
        return answer(200, {"response": me})

    def _account(
        self, request: Request, grant: Grant, account_id: str, group: str, plural: str, given: str | None
    ) -> Response:
        books, verb = self.books.get(account_id), request.method
        if books is None:  # also what the wrong kind of id gets, say the business id (1.7)
            raise refusal(
                404, error(1012, "Account not found.", field="accountid", on="account", value=account_id)
            )
        if grant.account_id != account_id:
            raise refusal(403, error(1003, "Access denied.", on="account"))
        resource = books.by_path.get((group, plural))
        action = {("GET", False): "list", ("POST", False): "create"} | {
            ("GET", True): "get",
            ("PUT", True): "update",
            ("DELETE", True): "delete",
        }
        wanted = action.get((verb, given is not None))
        if resource is None or wanted not in resource.verbs:
            status = 404 if resource is None else 405
            raise refusal(status, error(1012, "Requested resource could not be found.", value=request.path))
        config, errno = self.accounts[account_id], resource.plan_errno
        if errno is not None and not config["plan_has_bills"]:
            raise refusal(config["plan_error_status"], error(errno, PLAN_TEXTS[errno]))
        needed = f"user:{resource.scope}:{'read' if verb == 'GET' else 'write'}"
        if needed not in grant.scope.split():
            text = f"Insufficient scope. Provided scopes: {grant.scope}. Needed scopes: {needed}."
            raise refusal(403, error(1003, text))
        return answer(200, self._act(request, resource, wanted or "", given or "", config))

    def _act(
        self, request: Request, resource: Resource, wanted: str, given: str, config: dict[str, Any]
    ) -> Any:
        includes = {value for name, value in request.query if name == "include[]"}
        if wanted == "list":
            return result(resource.listing(request))
        if wanted == "get":
            return result({resource.singular: resource.show(resource.find(given), includes)})
        data = _wrapped(request, resource.singular) if wanted in ("create", "update") else {}
        row = resource.create(data) if wanted == "create" else resource.find(given)
        happened = wanted
        if wanted == "update":
            happened = resource.update(row, data)
        elif wanted == "delete":
            resource.delete(row)
        if happened:  # our own writes come back as events too (4.4)
            self.webhooks.fire(config, f"{resource.noun}.{happened}", row[resource.key])
        return (
            {"response": {}}
            if wanted == "delete"
            else result({resource.singular: resource.show(row, includes)})
        )


def _wrapped(request: Request, singular: str) -> dict[str, Any]:
    """What is inside `{"<singular>": {...}}`, and lines that are objects if there are any."""
    body = request.json()
    data = body.get(singular) if isinstance(body, dict) else None
    if isinstance(data, dict):
        lines = data.get("lines") or []
        if isinstance(lines, list) and all(isinstance(line, dict) for line in lines):
            return data
    raise refusal(400, error(1005, "Could not parse the request body.", on=singular))
