"""Servers in containers: the last step before there is none, for a machine that has Docker and not the servers.

They live as long as the tests' process. Images are those of docker-compose.yml, or what GATEHOUSE_TEST_RABBITMQ_IMAGE,
GATEHOUSE_TEST_MYSQL_IMAGE and GATEHOUSE_TEST_S3_IMAGE name.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from functools import cache

import boto3
import pika
import pymysql
from botocore.exceptions import BotoCoreError, ClientError
from testcontainers.core.container import DockerContainer

PASSWORD = "test-only"
_started: list[DockerContainer] = []
_READY_S = 120.0


@cache
def works() -> bool:
    """Whether containers can be started here."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=30).returncode == 0


@cache
def rabbitmq() -> DockerContainer:
    """Return a broker that answers, with the user ``guest``."""
    image = os.environ.get("GATEHOUSE_TEST_RABBITMQ_IMAGE", "rabbitmq:4-management")
    made = _start(DockerContainer(image).with_exposed_ports(5672))
    _until("RabbitMQ", lambda: pika.BlockingConnection(pika.URLParameters(amqp_url(made))).close())
    return made


def amqp_url(container: DockerContainer, vhost: str = "%2F") -> str:
    """Return the URL of a virtual host of the broker."""
    host, port = container.get_container_host_ip(), container.get_exposed_port(5672)
    return f"amqp://guest:guest@{host}:{port}/{vhost}"


@cache
def mysql_url() -> str:
    """Return the URL of a server that answers, as its administrator."""
    image = os.environ.get("GATEHOUSE_TEST_MYSQL_IMAGE", "mysql:9")
    made = _start(DockerContainer(image).with_exposed_ports(3306).with_env("MYSQL_ROOT_PASSWORD", PASSWORD))
    host, port = made.get_container_host_ip(), int(made.get_exposed_port(3306))
    _until("MySQL", lambda: pymysql.connect(host=host, port=port, user="root", password=PASSWORD).close())
    return f"mysql://root:{PASSWORD}@{host}:{port}/mysql"


@cache
def s3_endpoint() -> str:
    """Return the endpoint of a server with the bucket ``footage``, for the user ``gatehouse``."""
    image = os.environ.get("GATEHOUSE_TEST_S3_IMAGE", "minio/minio:RELEASE.2025-04-22T22-12-26Z")
    made = DockerContainer(image).with_exposed_ports(9000)
    if image.startswith("minio/"):
        made.with_command("server /data")
    made.with_env("MINIO_ROOT_USER", "gatehouse").with_env("MINIO_ROOT_PASSWORD", PASSWORD)
    _start(made)
    endpoint = f"http://{made.get_container_host_ip()}:{made.get_exposed_port(9000)}"
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id="gatehouse",
        aws_secret_access_key=PASSWORD,
        region_name="us-east-1",
    )
    _until("the S3 server", lambda: client.create_bucket(Bucket="footage"))
    client.close()
    return endpoint


def _start(made: DockerContainer) -> DockerContainer:
    made.start()
    _started.append(made)
    return made


def _until(what: str, answers: Callable[[], object]) -> None:
    deadline = time.monotonic() + _READY_S
    while True:
        try:
            answers()
        except (
            OSError,
            pika.exceptions.AMQPError,
            pymysql.MySQLError,
            BotoCoreError,
            ClientError,
        ) as error:
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} in its container does not answer: {error!r}") from error
            time.sleep(0.5)
        else:
            return


def stop() -> None:
    """Stop what was started."""
    while _started:
        _started.pop().stop()
