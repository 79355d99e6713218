"""A notes application: FastAPI and Celery on one SQLAlchemy engine."""
