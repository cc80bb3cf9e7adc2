"""Everything that touches torch: the engine, the models, training, and the Celery worker around them."""
