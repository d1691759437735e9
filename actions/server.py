"""The action server: Rasa's webhook over our services, on loopback only."""

import importlib
import pkgutil
import warnings
from typing import Any

import structlog
from litestar import Litestar, Request, Response, get, post

import actions
from helpline.services.core import Core

with warnings.catch_warnings():
    # It compares Rasa 3.6 with rasa-sdk 3.21; the webhook between them has not changed (docs/decisions/0001).
    warnings.simplefilter("ignore", UserWarning)
    from rasa_sdk.executor import ActionExecutor

    from actions.base import HelplineAction

log = structlog.get_logger("actions")

LONGEST_CALL = 8_388_608


def find_actions(core: Core) -> list[HelplineAction]:
    """Every action of this folder, ready to run."""
    for module in pkgutil.iter_modules(actions.__path__):
        importlib.import_module(f"actions.{module.name}")
    return [action(core) for action in HelplineAction.__subclasses__()]


def create_actions_app(core: Core) -> Litestar:
    """The web application that Rasa calls."""
    executor = ActionExecutor()
    for action in find_actions(core):
        executor.register_action(action)

    @post("/webhook", status_code=200)
    async def webhook(request: Request[Any, Any, Any]) -> Response[Any]:
        call = await request.json()
        try:
            result = await executor.run(call)
        except Exception as error:
            # The call holds the whole conversation: only the failure's name may leave this process.
            log.error("action failed", error=type(error).__name__)
            return Response({"error": type(error).__name__}, status_code=500)
        return Response(result.model_dump() if result else {}, status_code=200)

    @get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return Litestar([webhook, health], openapi_config=None, logging_config=None, request_max_body_size=LONGEST_CALL)
