"""The Celery application: `celery -A app.worker worker`."""

import asyncio

from celery import Celery
from celery.signals import worker_init, worker_process_init, worker_process_shutdown

from app import worker_loop
from app.db.session import engine
from app.db.tables import create_tables
from app.settings import settings

celery = Celery("app", include=["app.tasks"])
celery.conf.update(
    broker_url=settings.broker_url,
    result_backend=settings.result_backend,
    broker_connection_retry_on_startup=True,
    worker_concurrency=2,
    # Acknowledge a task when it has ended: one whose worker is killed is delivered again. One task
    # at a time then, so that no other waits behind a long one.
    task_acks_late=True,
    worker_prefetch_multiplier=1,
)


@worker_init.connect
def before_fork(**_details: object) -> None:
    """The parent, once: the table before the first task."""
    asyncio.run(create_tables())


@worker_process_init.connect
def after_fork(**_details: object) -> None:
    """Each pool process: a pool of its own. Connections of the parent stay the parent's.

    With `close=True` this process would write to sockets that it shares with its parent.
    """
    worker_loop.run(engine.dispose(close=False))


@worker_process_shutdown.connect
def at_exit(**_details: object) -> None:
    """Each pool process: close its connections, so that PostgreSQL need not find out."""
    worker_loop.run(engine.dispose())
