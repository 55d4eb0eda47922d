"""Where digests go: an SNS topic for e-mail, and a chat's incoming webhook if there is one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from connector import errors
from connector.adapters.http import HttpClient


class Notifier:
    """`chat` is an https address that takes `{"text": ...}`, as Slack's, Teams' and Mattermost's do; or empty."""

    def __init__(self, sns: Any, topic: str, http: HttpClient, chat: str = "") -> None:
        if chat and urlsplit(chat).scheme != "https":
            raise errors.BadUse("the chat's address has to begin with https://", code="chat_not_https")
        self._sns = sns
        self._topic = topic
        self._http = http
        self._chat = chat

    def send(self, subject: str, text: str) -> None:
        """To the topic, or raise; a chat that does not answer is no reason to tell everybody again."""
        self._sns.publish(TopicArn=self._topic, Subject=subject, Message=text)
        if self._chat:
            try:
                self._http.request(
                    "POST",
                    self._chat,
                    vendor="chat",
                    path="/webhook",
                    safe=False,
                    tries=1,
                    total_seconds=10.0,
                    json={"text": f"{subject}\n{text}"},
                )
            except errors.ConnectorError:
                return
