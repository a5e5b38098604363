"""A small service on microcosm-flask: companies and their people, kept in memory.

Announces its port on stdout and serves until its stdin ends, so that it never outlives who started it.
"""
import logging
import os
import sys
from threading import Thread
from time import time

from marshmallow import EXCLUDE, Schema, fields
from microcosm.api import create_object_graph, load_from_dict
from microcosm_flask.conventions.base import EndpointDefinition
from microcosm_flask.conventions.crud import configure_crud
from microcosm_flask.conventions.crud_adapter import CRUDStoreAdapter
from microcosm_flask.fields import TimestampField
from microcosm_flask.linking import Link, Links
from microcosm_flask.namespaces import Namespace
from microcosm_flask.operations import Operation
from microcosm_flask.paging import OffsetLimitPageSchema
from werkzeug.serving import make_server

writes = 0


class Company:
    def __init__(self, id, name, founded=None, tags=None):
        self.id = id
        self.name = name
        self.founded = founded
        self.tags = tags


class Person:
    def __init__(self, id, name, company_id, email=None):
        self.id = id
        self.name = name
        self.company_id = company_id
        self.email = email


class Memory:
    """What the adapter of the conventions asks of a store."""

    def __init__(self, model_class):
        self.model_class = model_class
        self.rows = {}

    def search(self, offset=0, limit=20, company_id=None):
        return self._matching(company_id)[offset:offset + limit]

    def count(self, company_id=None):
        return len(self._matching(company_id))

    def retrieve(self, identifier):
        return self.rows.get(identifier)

    def replace(self, identifier, model):
        global writes
        writes += 1
        before = self.rows.get(identifier)
        model.created_at = before.created_at if before else time()
        model.updated_at = time()
        self.rows[identifier] = model
        return model

    def delete(self, identifier):
        global writes
        writes += 1
        return self.rows.pop(identifier, None) is not None

    def _matching(self, company_id):
        rows = sorted(self.rows.values(), key=lambda row: row.id)
        return [row for row in rows if company_id is None or row.company_id == company_id]


class Ignoring(Schema):
    class Meta:
        unknown = EXCLUDE


class NewCompanySchema(Ignoring):
    name = fields.String(required=True)
    founded = fields.Integer(load_default=None)
    tags = fields.List(fields.String(), load_default=list)


class CompanyInBatchSchema(NewCompanySchema):
    id = fields.String(required=True)


class CompanySchema(CompanyInBatchSchema):
    createdAt = TimestampField(attribute="created_at")
    updatedAt = TimestampField(attribute="updated_at")
    _links = fields.Method("links")

    def links(self, company):
        links = Links()
        links["self"] = Link.for_(Operation.Retrieve, companies, company_id=company.id)
        links["child:person"] = Link.for_(Operation.Search, people, qs=dict(company_id=company.id))
        return links.to_dict()


class NewPersonSchema(Ignoring):
    name = fields.String(required=True)
    company_id = fields.String(data_key="companyId", required=True)
    email = fields.String(load_default=None, allow_none=True)


class PersonInBatchSchema(NewPersonSchema):
    id = fields.String(required=True)


class PersonSchema(PersonInBatchSchema):
    createdAt = TimestampField(attribute="created_at")
    updatedAt = TimestampField(attribute="updated_at")
    _links = fields.Method("links")

    def links(self, person):
        links = Links()
        links["self"] = Link.for_(Operation.Retrieve, people, person_id=person.id)
        links["parent:company"] = Link.for_(Operation.Retrieve, companies, company_id=person.company_id)
        return links.to_dict()


class PeoplePageSchema(OffsetLimitPageSchema):
    company_id = fields.String()


def batch_of(schema_class):
    return type("BatchOf" + schema_class.__name__, (Ignoring,), {"items": fields.List(fields.Nested(schema_class), required=True)})()


companies = Namespace(subject=Company, identifier_type="string")
people = Namespace(subject=Person, identifier_type="string")


def configure(graph, ns, page_schema, new_schema, in_batch_schema, schema):
    adapter = CRUDStoreAdapter(graph, Memory(ns.subject))
    configure_crud(graph, ns, {
        Operation.Search: EndpointDefinition(adapter.search, page_schema, schema),
        Operation.Retrieve: EndpointDefinition(adapter.retrieve, response_schema=schema),
        Operation.Replace: EndpointDefinition(adapter.replace, new_schema, schema),
        Operation.Delete: EndpointDefinition(adapter.delete),
        Operation.UpdateBatch: EndpointDefinition(adapter.update_batch, batch_of(in_batch_schema), batch_of(type(schema))),
    })
    return adapter.store


def main():
    logging.disable(logging.WARNING)
    graph = create_object_graph("counterpart", testing=True, loader=load_from_dict(dict(logging=dict(level="ERROR"))))
    graph.use("discovery_convention")
    company_store = configure(graph, companies, OffsetLimitPageSchema(), NewCompanySchema(), CompanyInBatchSchema, CompanySchema())
    person_store = configure(graph, people, PeoplePageSchema(), NewPersonSchema(), PersonInBatchSchema, PersonSchema())
    graph.lock()

    @graph.flask.route("/writes")
    def count_writes():
        return dict(writes=writes)

    for i in range(int(sys.argv[1]) if len(sys.argv) > 1 else 0):
        company_store.replace(f"c{i}", Company(f"c{i}", f"Company {i}", 1900 + i, ["on", "1e3", "é😀"]))
        for j in range(2):
            person_store.replace(f"a{i}-{j}", Person(f"a{i}-{j}", f"Person {i}.{j}", f"c{i}"))

    server = make_server("127.0.0.1", 0, graph.flask, threaded=True)
    print(server.server_port, flush=True)
    Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
