// A device on Leshan's client library for the interop tests. It has Device 3, Firmware Update 5, Temperature 3303 and
// the test object 3442, tells what happens to it as `event` lines, and is changed by JSON lines:
// {"set": {"/3303/0/5700": 23.5}}, {"update": true}, {"send": ["/3303/0/5700"], "format": 112} at once, {"collect": ["/3303/0/5700"]}
// with the time of now until {"collected": 112} sends it. It deregisters and ends when its standard input closes.
//
// Arguments: server URI, endpoint name, lifetime in seconds, and perhaps `queue` and what `Secured` reads.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

import org.eclipse.californium.core.config.CoapConfig;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.leshan.client.LeshanClient;
import org.eclipse.leshan.client.LeshanClientBuilder;
import org.eclipse.leshan.client.engine.DefaultRegistrationEngineFactory;
import org.eclipse.leshan.client.object.LwM2mTestObject;
import org.eclipse.leshan.client.object.Security;
import org.eclipse.leshan.client.object.Server;
import org.eclipse.leshan.client.observer.LwM2mClientObserverAdapter;
import org.eclipse.leshan.client.resource.ObjectsInitializer;
import org.eclipse.leshan.client.resource.SimpleInstanceEnabler;
import org.eclipse.leshan.client.send.ManualDataSender;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.LwM2mId;
import org.eclipse.leshan.core.ResponseCode;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.node.LwM2mResource;
import org.eclipse.leshan.core.request.ContentFormat;
import org.eclipse.leshan.core.request.DeregisterRequest;
import org.eclipse.leshan.core.request.RegisterRequest;
import org.eclipse.leshan.core.request.UpdateRequest;
import org.eclipse.leshan.core.request.argument.Arguments;
import org.eclipse.leshan.core.response.ExecuteResponse;
import org.eclipse.leshan.core.response.WriteResponse;
import org.eclipse.leshan.transport.californium.client.endpoint.CaliforniumClientEndpointsProvider;
import org.eclipse.leshan.transport.californium.client.endpoint.coap.CoapClientProtocolProvider;
import org.eclipse.leshan.transport.californium.client.endpoint.coaps.CoapsClientProtocolProvider;

import com.fasterxml.jackson.databind.JsonNode;

public final class DeviceProgram {

    /** Keeps what is written, takes every execution, and tells of both. */
    public static class Instance extends SimpleInstanceEnabler {
        private final int object;

        Instance(int object, Map<Integer, Object> values) {
            this.object = object;
            this.initialValues = values;
        }

        @Override
        public WriteResponse write(LwM2mServer server, boolean replace, int resource, LwM2mResource value) {
            WriteResponse response = super.write(server, replace, resource, value);
            if (response.isSuccess()) {
                LwM2mPath path = new LwM2mPath(object, getId(), resource);
                Lines.event("written", "path", path.toString(), "values", Lines.values(path, value));
            }
            return response;
        }

        @Override
        public ExecuteResponse execute(LwM2mServer server, int resource, Arguments arguments) {
            Lines.event("executed", "path", new LwM2mPath(object, getId(), resource).toString(), "arguments",
                    arguments.serialize());
            return ExecuteResponse.success();
        }

        void set(int resource, JsonNode value) {
            Map<Integer, Object> changed = new HashMap<>();
            changed.put(resource, Lines.typed(value, getModel().resources.get(resource).type));
            fireResourcesChange(applyValues(changed));
        }
    }

    public static void main(String[] args) throws Exception {
        String uri = args[0];
        String name = args[1];
        long lifetime = Long.parseLong(args[2]);
        boolean queue = List.of(args).contains("queue");
        Secured secured = Secured.of(args);

        Instance temperature = new Instance(3303,
                new HashMap<>(Map.of(5700, 21.5, 5601, 20.0, 5602, 22.0, 5701, "Cel", 5750, "kitchen")));
        Instance device = new Instance(3,
                new HashMap<>(Map.of(0, "Lapwing", 1, "peer", 2, "0001", 3, "1.0", 6, Map.of(0, 1L, 1, 5L), 9, 80L, 11,
                        Map.of(0, 0L), 14, "+00:00", 15, "Etc/UTC", 16, "U")));

        ObjectsInitializer objects = new ObjectsInitializer(Models.repository().getLwM2mModel());
        objects.setInstancesForObject(LwM2mId.SECURITY,
                secured == null ? Security.noSec(uri, 123) : secured.object(uri));
        objects.setInstancesForObject(LwM2mId.SERVER, new Server(123, lifetime));
        objects.setInstancesForObject(3442, new LwM2mTestObject());
        offer(objects, LwM2mId.DEVICE, device);
        offer(objects, LwM2mId.FIRMWARE, new Instance(5, new HashMap<>(Map.of(3, 0L, 5, 0L))));
        offer(objects, 3303, temperature);

        DefaultRegistrationEngineFactory engine = new DefaultRegistrationEngineFactory();
        engine.setQueueMode(queue);

        CaliforniumClientEndpointsProvider.Builder endpoints = new CaliforniumClientEndpointsProvider.Builder(
                new CoapClientProtocolProvider(), new CoapsClientProtocolProvider());
        // Firmware comes in bodies longer than the 8 kB that it takes by default.
        Configuration configuration = endpoints.createDefaultConfiguration();
        configuration.set(CoapConfig.MAX_RESOURCE_BODY_SIZE, 1_000_000);
        if (secured != null)
            secured.configure(configuration);
        endpoints.setConfiguration(configuration);
        endpoints.setClientAddress(InetAddress.getByName("127.0.0.1"));

        LeshanClientBuilder builder = new LeshanClientBuilder(name);
        builder.setObjects(objects.createAll());
        builder.setEndpointsProviders(endpoints.build());
        builder.setDataSenders(new ManualDataSender());
        builder.setRegistrationEngineFactory(engine);
        LeshanClient client = builder.build();
        client.addObserver(new Reporter());
        client.start();
        Lines.event("started");

        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JsonNode command = Lines.JSON.readTree(line);
            if (command.has("update"))
                client.triggerRegistrationUpdate();
            if (command.has("send"))
                client.getSendService().sendData(client.getRegisteredServers().values().iterator().next(),
                        ContentFormat.fromCode(command.get("format").asInt()), texts(command.get("send")), 10_000,
                        response -> Lines.event("sent", "code", response.getCode().toString()),
                        error -> Lines.event("failed", "cause", String.valueOf(error)));
            ManualDataSender sender = client.getSendService().getDataSender(ManualDataSender.DEFAULT_NAME,
                    ManualDataSender.class);
            if (command.has("collect")) {
                List<LwM2mPath> paths = new ArrayList<>();
                texts(command.get("collect")).forEach(each -> paths.add(new LwM2mPath(each)));
                sender.collectData(paths);
            }
            if (command.has("collected"))
                sender.sendCollectedData(client.getRegisteredServers().values().iterator().next(),
                        ContentFormat.fromCode(command.get("collected").asInt()), 10_000, false);
            for (Iterator<Map.Entry<String, JsonNode>> i = command.path("set").fields(); i.hasNext();) {
                Map.Entry<String, JsonNode> entry = i.next();
                LwM2mPath path = new LwM2mPath(entry.getKey());
                (path.getObjectId() == 3 ? device : temperature).set(path.getResourceId(), entry.getValue());
            }
        }
        client.destroy(true);
        System.exit(0);
    }

    private static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(each -> texts.add(each.asText()));
        return texts;
    }

    /** An object with one instance, and others as a server creates them. */
    private static void offer(ObjectsInitializer objects, int object, Instance first) {
        objects.setInstancesForObject(object, first);
        objects.setFactoryForObject(object, (model, id, used) -> {
            Instance instance = new Instance(object, new HashMap<>());
            instance.setId(id != null ? id : used.stream().max(Integer::compare).orElse(-1) + 1);
            instance.setModel(model);
            return instance;
        });
    }

    private static final class Reporter extends LwM2mClientObserverAdapter {
        @Override
        public void onRegistrationSuccess(LwM2mServer server, RegisterRequest request, String id) {
            Lines.event("registered", "location", id);
        }

        @Override
        public void onRegistrationFailure(LwM2mServer server, RegisterRequest request, ResponseCode code, String why,
                Exception cause) {
            Lines.event("refused", "code", String.valueOf(code), "reason", why);
        }

        @Override
        public void onRegistrationTimeout(LwM2mServer server, RegisterRequest request) {
            Lines.event("unanswered");
        }

        @Override
        public void onUpdateSuccess(LwM2mServer server, UpdateRequest request) {
            Lines.event("updated");
        }

        @Override
        public void onDeregistrationSuccess(LwM2mServer server, DeregisterRequest request) {
            Lines.event("deregistered");
        }

        @Override
        public void onUnexpectedError(Throwable cause) {
            Lines.event("failed", "cause", String.valueOf(cause));
        }
    }
}
