// A management server on Leshan's server library for the interop tests. It reads operations as JSON lines, each with
// an `id`, prints `answer-ID JSON` for each, and `event` lines for registrations and notifications. It ends when its
// standard input closes.
//
// Arguments: the UDP port on 127.0.0.1, and perhaps what `Secured` reads: then it speaks coaps there; or a second port for
// coaps beside the first, with the keys that `admit` brings.
// {"id": 1, "op": "read", "name": "dev-1", "path": "/3/0", "format": 11542}
// {"id": 2, "op": "admit", "name": "dev-1", "identity": "dev-1", "key": "000102…"}: it may come with that key only
// op: read, observe, cancel (active), forget (passive), write (value or values, replace), execute (arguments),
//     create (values, instance), delete, discover, attributes (query),
//     client (what is known of its registration), read-composite, observe-composite, cancel-composite (paths), write-composite (values by full path)
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

import org.eclipse.californium.core.config.CoapConfig;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.leshan.core.link.DefaultLinkSerializer;
import org.eclipse.leshan.core.link.lwm2m.attributes.DefaultLwM2mAttributeParser;
import org.eclipse.leshan.core.link.lwm2m.attributes.LwM2mAttributeSet;
import org.eclipse.leshan.core.model.ResourceModel;
import org.eclipse.leshan.core.model.ResourceModel.Type;
import org.eclipse.leshan.core.node.LwM2mMultipleResource;
import org.eclipse.leshan.core.node.LwM2mNode;
import org.eclipse.leshan.core.node.LwM2mObjectInstance;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.node.LwM2mResource;
import org.eclipse.leshan.core.node.LwM2mResourceInstance;
import org.eclipse.leshan.core.node.LwM2mSingleResource;
import org.eclipse.leshan.core.node.TimestampedLwM2mNodes;
import org.eclipse.leshan.core.observation.CompositeObservation;
import org.eclipse.leshan.core.observation.Observation;
import org.eclipse.leshan.core.observation.SingleObservation;
import org.eclipse.leshan.core.request.BindingMode;
import org.eclipse.leshan.core.request.CancelCompositeObservationRequest;
import org.eclipse.leshan.core.request.CancelObservationRequest;
import org.eclipse.leshan.core.request.ContentFormat;
import org.eclipse.leshan.core.request.CreateRequest;
import org.eclipse.leshan.core.request.DeleteRequest;
import org.eclipse.leshan.core.request.DiscoverRequest;
import org.eclipse.leshan.core.request.DownlinkDeviceManagementRequest;
import org.eclipse.leshan.core.request.ExecuteRequest;
import org.eclipse.leshan.core.request.ObserveCompositeRequest;
import org.eclipse.leshan.core.request.ObserveRequest;
import org.eclipse.leshan.core.request.ReadCompositeRequest;
import org.eclipse.leshan.core.request.ReadRequest;
import org.eclipse.leshan.core.request.SendRequest;
import org.eclipse.leshan.core.request.WriteAttributesRequest;
import org.eclipse.leshan.core.request.WriteCompositeRequest;
import org.eclipse.leshan.core.request.WriteRequest;
import org.eclipse.leshan.core.response.CreateResponse;
import org.eclipse.leshan.core.response.DiscoverResponse;
import org.eclipse.leshan.core.response.LwM2mResponse;
import org.eclipse.leshan.core.response.ObserveCompositeResponse;
import org.eclipse.leshan.core.response.ObserveResponse;
import org.eclipse.leshan.core.response.ReadCompositeResponse;
import org.eclipse.leshan.core.response.ReadResponse;
import org.eclipse.leshan.core.util.Hex;
import org.eclipse.leshan.server.LeshanServer;
import org.eclipse.leshan.server.LeshanServerBuilder;
import org.eclipse.leshan.server.model.VersionedModelProvider;
import org.eclipse.leshan.server.observation.ObservationListener;
import org.eclipse.leshan.server.queue.StaticClientAwakeTimeProvider;
import org.eclipse.leshan.server.registration.InMemoryRegistrationStore;
import org.eclipse.leshan.server.registration.Registration;
import org.eclipse.leshan.server.registration.RegistrationListener;
import org.eclipse.leshan.server.registration.RegistrationUpdate;
import org.eclipse.leshan.server.send.SendListener;
import org.eclipse.leshan.servers.security.InMemorySecurityStore;
import org.eclipse.leshan.servers.security.SecurityInfo;
import org.eclipse.leshan.transport.californium.server.endpoint.CaliforniumServerEndpointsProvider;
import org.eclipse.leshan.transport.californium.server.endpoint.coap.CoapServerProtocolProvider;
import org.eclipse.leshan.transport.californium.server.endpoint.coaps.CoapsServerProtocolProvider;

import com.fasterxml.jackson.databind.JsonNode;

public final class ServerProgram {

    private static final long TIMEOUT = 10_000;
    /** In seconds: how often it looks which registrations have ended. */
    private static final long EXPIRY_PERIOD = 1;
    /** In ms: so long it takes a device in queue mode to listen. */
    private static final int AWAKE_TIME = 5_000;

    private final LeshanServer server;
    private final Map<String, SingleObservation> observations = new ConcurrentHashMap<>();
    private final Map<String, CompositeObservation> composites = new ConcurrentHashMap<>();

    private final InMemorySecurityStore store = new InMemorySecurityStore();

    private ServerProgram(int port, int securePort, Secured secured) throws Exception {
        CaliforniumServerEndpointsProvider.Builder endpoints = new CaliforniumServerEndpointsProvider.Builder(
                new CoapServerProtocolProvider(), new CoapsServerProtocolProvider());
        endpoints.setConfiguration((Configuration configuration) -> {
            configuration.set(CoapConfig.MAX_RESOURCE_BODY_SIZE, 1_000_000);
            if (secured != null)
                secured.configure(configuration);
        });
        endpoints.addEndpoint((secured == null ? "coap" : "coaps") + "://127.0.0.1:" + port);
        if (securePort != 0)
            endpoints.addEndpoint("coaps://127.0.0.1:" + securePort);
        LeshanServerBuilder builder = new LeshanServerBuilder();
        builder.setEndpointsProviders(endpoints.build());
        builder.setObjectModelProvider(new VersionedModelProvider(Models.repository()));
        builder.setSecurityStore(store);
        if (secured != null)
            secured.admit(builder, store);
        builder.setRegistrationStore(new InMemoryRegistrationStore(EXPIRY_PERIOD));
        builder.setClientAwakeTimeProvider(new StaticClientAwakeTimeProvider(AWAKE_TIME));
        server = builder.build();
        server.getRegistrationService().addListener(new Registrations());
        server.getObservationService().addListener(new Notifications());
        server.getSendService().addListener(new Sent());
    }

    public static void main(String[] args) throws Exception {
        int securePort = args.length > 1 && args[1].matches("\\d+") ? Integer.parseInt(args[1]) : 0;
        ServerProgram program = new ServerProgram(Integer.parseInt(args[0]), securePort, Secured.of(args));
        program.server.start();
        Lines.event("started");
        ExecutorService workers = Executors.newCachedThreadPool();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JsonNode command = Lines.JSON.readTree(line);
            workers.execute(() -> Lines.print("answer-" + command.get("id").asText(), program.answer(command)));
        }
        program.server.destroy();
        System.exit(0);
    }

    private Map<String, Object> answer(JsonNode command) {
        try {
            if (command.get("op").asText().equals("admit")) {
                store.add(SecurityInfo.newPreSharedKeyInfo(command.get("name").asText(),
                        command.get("identity").asText(), Hex.decodeHex(command.get("key").asText().toCharArray())));
                return Lines.object("code", "admitted");
            }
            Registration registration = server.getRegistrationService().getByEndpoint(command.get("name").asText());
            if (registration == null)
                return Lines.object("error", "not registered");
            return perform(command, registration);
        } catch (Exception e) {
            return Lines.object("error", e.toString());
        }
    }

    private Map<String, Object> perform(JsonNode command, Registration registration) throws Exception {
        LwM2mPath path = new LwM2mPath(command.path("path").asText("/"));
        List<LwM2mPath> paths = new ArrayList<>();
        command.path("paths").forEach(each -> paths.add(new LwM2mPath(each.asText())));
        ContentFormat format = command.has("format") ? ContentFormat.fromCode(command.get("format").asInt()) : null;
        switch (command.get("op").asText()) {
        case "client":
            return known(registration);
        case "read":
            return send(registration, path, new ReadRequest(format, path, null));
        case "observe":
            return send(registration, path, new ObserveRequest(format, path, null));
        case "cancel":
            SingleObservation observation = observations.remove(registration.getEndpoint() + path);
            return send(registration, path, new CancelObservationRequest(observation));
        case "forget":
            int forgotten = server.getObservationService().cancelObservations(registration, path.toString());
            return Lines.object("code", String.valueOf(forgotten));
        case "write":
            WriteRequest.Mode mode = command.path("replace").asBoolean(true) ? WriteRequest.Mode.REPLACE
                    : WriteRequest.Mode.UPDATE;
            return send(registration, path, new WriteRequest(mode, format, path, node(registration, path, command), null));
        case "execute":
            return send(registration, path,
                    new ExecuteRequest(path.toString(), command.path("arguments").asText(null)));
        case "create":
            Collection<LwM2mResource> resources = resources(registration, path.getObjectId(), command.get("values"));
            return send(registration, path,
                    command.has("instance")
                            ? new CreateRequest(format, path.getObjectId(),
                                    new LwM2mObjectInstance(command.get("instance").asInt(), resources))
                            : new CreateRequest(format, path.getObjectId(), resources));
        case "delete":
            return send(registration, path, new DeleteRequest(path.toString()));
        case "discover":
            return send(registration, path, new DiscoverRequest(path.toString()));
        case "attributes":
            return send(registration, path, new WriteAttributesRequest(path, new LwM2mAttributeSet(
                    new DefaultLwM2mAttributeParser().parseUriQuery(command.get("query").asText()))));
        case "read-composite":
            return send(registration, path, new ReadCompositeRequest(paths, format, format, null));
        case "observe-composite":
            return send(registration, path, new ObserveCompositeRequest(format, format, paths));
        case "cancel-composite":
            return send(registration, path,
                    new CancelCompositeObservationRequest(composites.remove(registration.getEndpoint())));
        case "write-composite":
            Map<String, Object> values = new HashMap<>();
            for (Iterator<Map.Entry<String, JsonNode>> i = command.get("values").fields(); i.hasNext();) {
                Map.Entry<String, JsonNode> entry = i.next();
                LwM2mPath at = new LwM2mPath(entry.getKey());
                values.put(entry.getKey(), Lines.typed(entry.getValue(),
                        model(registration, at.getObjectId(), at.getResourceId()).type));
            }
            return send(registration, path, new WriteCompositeRequest(format, values));
        default:
            throw new IllegalArgumentException("unknown operation");
        }
    }

    private Map<String, Object> send(Registration registration, LwM2mPath path,
            DownlinkDeviceManagementRequest<? extends LwM2mResponse> request) throws InterruptedException {
        LwM2mResponse response = server.send(registration, request, TIMEOUT);
        if (response == null)
            return Lines.object("error", "timeout");
        Map<String, Object> answer = Lines.object("code", response.getCode().toString(), "reason",
                response.getErrorMessage());
        if (response instanceof ReadResponse && ((ReadResponse) response).getContent() != null)
            answer.put("values", Lines.values(path, ((ReadResponse) response).getContent()));
        if (response instanceof ObserveResponse && ((ObserveResponse) response).getObservation() != null)
            observations.put(registration.getEndpoint() + path, ((ObserveResponse) response).getObservation());
        if (response instanceof ReadCompositeResponse && ((ReadCompositeResponse) response).getContent() != null)
            answer.put("values", Lines.values(((ReadCompositeResponse) response).getContent()));
        if (response instanceof ObserveCompositeResponse
                && ((ObserveCompositeResponse) response).getObservation() != null)
            composites.put(registration.getEndpoint(), ((ObserveCompositeResponse) response).getObservation());
        if (response instanceof DiscoverResponse && response.isSuccess())
            answer.put("links",
                    new DefaultLinkSerializer().serializeCoreLinkFormat(((DiscoverResponse) response).getObjectLinks()));
        if (response instanceof CreateResponse)
            answer.put("location", ((CreateResponse) response).getLocation());
        return answer;
    }

    private LwM2mNode node(Registration registration, LwM2mPath path, JsonNode command) {
        if (path.isObjectInstance())
            return new LwM2mObjectInstance(path.getObjectInstanceId(),
                    resources(registration, path.getObjectId(), command.get("values")));
        if (path.isResourceInstance()) {
            Type type = model(registration, path.getObjectId(), path.getResourceId()).type;
            return LwM2mResourceInstance.newInstance(path.getResourceInstanceId(),
                    Lines.typed(command.get("value"), type), type);
        }
        return resource(registration, path.getObjectId(), path.getResourceId(), command.get("value"));
    }

    /** As the device has registered it; what it has not, as it stands in the newest version. */
    private ResourceModel model(Registration registration, int object, int resource) {
        ResourceModel known = server.getModelProvider().getObjectModel(registration).getResourceModel(object, resource);
        return known != null ? known : Models.repository().getLwM2mModel().getResourceModel(object, resource);
    }

    private List<LwM2mResource> resources(Registration registration, int object, JsonNode values) {
        List<LwM2mResource> resources = new ArrayList<>();
        for (Iterator<Map.Entry<String, JsonNode>> i = values.fields(); i.hasNext();) {
            Map.Entry<String, JsonNode> entry = i.next();
            resources.add(resource(registration, object, Integer.parseInt(entry.getKey()), entry.getValue()));
        }
        return resources;
    }

    /** The value of a multiple resource is a JSON object from instance id to value. */
    private LwM2mResource resource(Registration registration, int object, int id, JsonNode value) {
        ResourceModel resource = model(registration, object, id);
        if (!resource.multiple)
            return LwM2mSingleResource.newResource(id, Lines.typed(value, resource.type), resource.type);
        Map<Integer, Object> instances = new HashMap<>();
        for (Iterator<Map.Entry<String, JsonNode>> i = value.fields(); i.hasNext();) {
            Map.Entry<String, JsonNode> entry = i.next();
            instances.put(Integer.valueOf(entry.getKey()), Lines.typed(entry.getValue(), resource.type));
        }
        return LwM2mMultipleResource.newResource(id, instances, resource.type);
    }

    private static Map<String, Object> known(Registration registration) {
        return Lines.object("name", registration.getEndpoint(), "registration", registration.getId(), "lifetime",
                registration.getLifeTimeInSec(), "version", registration.getLwM2mVersion().toString(), "binding",
                BindingMode.toString(registration.getBindingMode()), "queue", registration.getQueueMode(), "root",
                registration.getRootPath(), "secure",
                registration.getClientTransportData().getIdentity().isSecure(), "lastUpdate",
                registration.getLastUpdate().getTime(), "links",
                new DefaultLinkSerializer().serializeCoreLinkFormat(registration.getSortedObjectLinks()));
    }

    private static final class Registrations implements RegistrationListener {
        @Override
        public void registered(Registration registration, Registration previous, Collection<Observation> ended) {
            Map<String, Object> event = Lines.object("event", "registered");
            event.putAll(known(registration));
            Lines.print("event", event);
        }

        @Override
        public void updated(RegistrationUpdate update, Registration now, Registration previous) {
            Lines.event("updated", "name", now.getEndpoint(), "lifetime", now.getLifeTimeInSec(), "links",
                    new DefaultLinkSerializer().serializeCoreLinkFormat(now.getSortedObjectLinks()));
        }

        @Override
        public void unregistered(Registration registration, Collection<Observation> ended, boolean expired,
                Registration replacement) {
            Lines.event(expired ? "expired" : "deregistered", "name", registration.getEndpoint());
        }
    }

    private static final class Sent implements SendListener {
        @Override
        public void dataReceived(Registration registration, TimestampedLwM2mNodes data, SendRequest request) {
            Map<String, Object> moments = new HashMap<>();
            data.getTimestamps()
                    .forEach(each -> moments.put(String.valueOf(each), Lines.values(data.getNodesAt(each))));
            Lines.event("sent", "name", registration.getEndpoint(), "moments", moments);
        }

        @Override
        public void onError(Registration registration, String message, Exception cause) {
            Lines.event("failed", "name", registration.getEndpoint(), "cause", message);
        }
    }

    private static final class Notifications implements ObservationListener {
        @Override
        public void newObservation(Observation observation, Registration registration) {
        }

        @Override
        public void cancelled(Observation observation) {
        }

        @Override
        public void onResponse(SingleObservation observation, Registration registration, ObserveResponse response) {
            Lines.event("notified", "name", registration.getEndpoint(), "path", observation.getPath().toString(),
                    "values", Lines.values(observation.getPath(), response.getContent()));
        }

        @Override
        public void onResponse(CompositeObservation observation, Registration registration,
                ObserveCompositeResponse response) {
            Lines.event("notified", "name", registration.getEndpoint(), "path", "composite", "values",
                    Lines.values(response.getContent()));
        }

        @Override
        public void onError(Observation observation, Registration registration, Exception cause) {
            Lines.event("failed", "name", registration.getEndpoint(), "cause", String.valueOf(cause));
        }
    }
}
