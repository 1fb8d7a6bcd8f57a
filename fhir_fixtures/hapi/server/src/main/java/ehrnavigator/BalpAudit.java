package ehrnavigator;

import ca.uhn.fhir.interceptor.api.Hook;
import ca.uhn.fhir.interceptor.api.Interceptor;
import ca.uhn.fhir.interceptor.api.Pointcut;
import ca.uhn.fhir.jpa.api.dao.DaoRegistry;
import ca.uhn.fhir.jpa.api.dao.IFhirResourceDao;
import ca.uhn.fhir.jpa.api.model.DeleteConflictList;
import ca.uhn.fhir.jpa.delete.DeleteConflictOutcome;
import ca.uhn.fhir.rest.api.RequestTypeEnum;
import ca.uhn.fhir.rest.api.RestOperationTypeEnum;
import ca.uhn.fhir.rest.api.server.RequestDetails;
import ca.uhn.fhir.rest.api.server.SystemRequestDetails;
import ca.uhn.fhir.storage.interceptor.balp.IBalpAuditContextServices;
import ca.uhn.fhir.storage.interceptor.balp.IBalpAuditEventSink;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.instance.model.api.IIdType;
import org.hl7.fhir.r4.model.AuditEvent;
import org.hl7.fhir.r4.model.Identifier;
import org.hl7.fhir.r4.model.Reference;

/** What HAPI's BALP interceptor leaves to a server: who asked, how records are named, where events go. */
final class BalpAudit {

    private BalpAudit() {}

    /** Stores each event in the server itself, once open; access to AuditEvents is not audited again. */
    static final class Sink implements IBalpAuditEventSink {
        private final IFhirResourceDao<AuditEvent> events;
        private volatile boolean open;

        Sink(IFhirResourceDao<AuditEvent> events) {
            this.events = events;
        }

        void open() {
            open = true;
        }

        @Override
        public void recordAuditEvent(AuditEvent event) {
            if (open && event.getEntity().stream().noneMatch(Sink::isAuditEvent)) {
                events.create(event, new SystemRequestDetails());
            }
        }

        private static boolean isAuditEvent(AuditEvent.AuditEventEntityComponent entity) {
            String query = entity.hasQuery() ? new String(entity.getQuery(), StandardCharsets.UTF_8) : "";
            return query.matches("[^?]*/AuditEvent([/?].*)?")
                    || Objects.requireNonNullElse(entity.getWhat().getReference(), "").contains("AuditEvent/");
        }
    }

    /** Agents from the request's headers: the program by User-Agent, the person by From (RFC 9110, 10.1). */
    record Context(DaoRegistry daos) implements IBalpAuditContextServices {
        @Override
        public Reference getAgentClientWho(RequestDetails request) {
            return named(request.getHeader("User-Agent"));
        }

        @Override
        public Reference getAgentUserWho(RequestDetails request) {
            return named(request.getHeader("From"));
        }

        private static Reference named(String header) {
            String name = Objects.requireNonNullElse(header, "unknown");
            return new Reference().setIdentifier(new Identifier().setValue(name)).setDisplay(name);
        }

        /** Relative, so that AuditEvent?patient= finds it; absolute once deleted, as a link would be refused. */
        @Override
        public String massageResourceIdForStorage(RequestDetails request, IBaseResource resource, IIdType id) {
            IIdType plain = id.toUnqualifiedVersionless();
            return request.getFhirContext().newTerser().getAllResourceReferences(resource).stream()
                    .map(found -> found.getResourceReference().getReferenceElement())
                    .filter(link -> link.isAbsolute() && plain.equals(link.toUnqualifiedVersionless()))
                    .findFirst()
                    // The interceptor has cut the base off an owner that lives elsewhere.
                    .map(IIdType::getValue)
                    .orElseGet(() -> isDeleted(request, id)
                            ? IBalpAuditContextServices.super.massageResourceIdForStorage(request, resource, id)
                            : plain.getValue());
        }

        private boolean isDeleted(RequestDetails request, IIdType id) {
            return request.getRequestType() == RequestTypeEnum.DELETE
                    || request.getRestOperationType() == RestOperationTypeEnum.VREAD
                            && daos.getResourceDao(id.getResourceType())
                                    .read(id.toUnqualifiedVersionless(), new SystemRequestDetails(), true)
                                    .isDeleted();
        }
    }

    /**
     * Lets a record be deleted that AuditEvents name. HAPI's own interceptor for that
     * (OverridePathBasedReferentialIntegrityForDeletesInterceptor) would lift every other protection from the
     * record as well.
     */
    @Interceptor
    static final class Deletes {
        @Hook(Pointcut.STORAGE_PRESTORAGE_DELETE_CONFLICTS)
        public DeleteConflictOutcome ignoreAuditEvents(DeleteConflictList conflicts) {
            conflicts.removeIf(conflict -> conflict.getSourceId().getResourceType().equals("AuditEvent"));
            // HAPI looks for a single conflict at first, and for all of them when it is told to try again.
            return new DeleteConflictOutcome().setShouldRetryCount(1);
        }
    }
}
