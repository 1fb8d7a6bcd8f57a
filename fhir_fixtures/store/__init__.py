"""An embedded FHIR R4 server on SQLite: a stand-in for demos and tests, not for patient care.

It imitates the searching, paging and refusals of a HAPI FHIR JPA server. It has no access control and no
validation, and knows JSON only.
"""

from fhir_fixtures.store.app import create_app
from fhir_fixtures.store.database import Samples, Store, open_store

__all__ = ["Samples", "Store", "create_app", "open_store"]
