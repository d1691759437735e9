"""The database: models, repositories, migrations. The only folder that imports SQLAlchemy."""
