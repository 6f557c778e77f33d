// A device on Leshan's client library that knows nobody but its bootstrap server. It tells what becomes of it as `event`
// lines. It deregisters and ends when its standard input closes.
//
// Arguments: URI of the bootstrap server, endpoint name, and for coaps a PSK identity and its key in hexadecimal.
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;

import org.eclipse.leshan.client.LeshanClient;
import org.eclipse.leshan.client.LeshanClientBuilder;
import org.eclipse.leshan.client.californium.endpoint.CaliforniumClientEndpointsProvider;
import org.eclipse.leshan.client.californium.endpoint.coap.CoapClientProtocolProvider;
import org.eclipse.leshan.client.californium.endpoint.coaps.CoapsClientProtocolProvider;
import org.eclipse.leshan.client.object.Device;
import org.eclipse.leshan.client.object.Security;
import org.eclipse.leshan.client.object.Server;
import org.eclipse.leshan.client.observer.LwM2mClientObserverAdapter;
import org.eclipse.leshan.client.resource.DummyInstanceEnabler;
import org.eclipse.leshan.client.resource.ObjectsInitializer;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.LwM2mId;
import org.eclipse.leshan.core.ResponseCode;
import org.eclipse.leshan.core.request.BootstrapRequest;
import org.eclipse.leshan.core.request.RegisterRequest;
import org.eclipse.leshan.core.util.Hex;

public final class BootstrappedDeviceProgram {

    public static void main(String[] args) throws Exception {
        String uri = args[0];
        String name = args[1];
        ObjectsInitializer objects = new ObjectsInitializer();
        objects.setInstancesForObject(LwM2mId.SECURITY, args.length < 4 ? Security.noSecBootstrap(uri)
                : Security.pskBootstrap(uri, args[2].getBytes(StandardCharsets.UTF_8),
                        Hex.decodeHex(args[3].toCharArray())));
        objects.setClassForObject(LwM2mId.SERVER, Server.class);
        objects.setInstancesForObject(LwM2mId.DEVICE, new Device("Lapwing", "peer", "0001"));
        objects.setClassForObject(LwM2mId.ACCESS_CONTROL, DummyInstanceEnabler.class);

        CaliforniumClientEndpointsProvider.Builder endpoints = new CaliforniumClientEndpointsProvider.Builder(
                new CoapClientProtocolProvider(), new CoapsClientProtocolProvider());
        endpoints.setClientAddress(InetAddress.getByName("127.0.0.1"));

        LeshanClientBuilder builder = new LeshanClientBuilder(name);
        builder.setObjects(objects.createAll());
        builder.setEndpointsProviders(endpoints.build());
        LeshanClient client = builder.build();
        client.addObserver(new Reporter());
        client.start();
        Lines.event("started");
        while (System.in.read() >= 0) {
            // Nothing is asked of it.
        }
        client.destroy(true);
        System.exit(0);
    }

    private static final class Reporter extends LwM2mClientObserverAdapter {
        @Override
        public void onBootstrapSuccess(LwM2mServer server, BootstrapRequest request) {
            Lines.event("bootstrapped");
        }

        @Override
        public void onBootstrapFailure(LwM2mServer server, BootstrapRequest request, ResponseCode code, String why,
                Exception cause) {
            Lines.event("failed", "code", String.valueOf(code), "reason", why);
        }

        @Override
        public void onRegistrationSuccess(LwM2mServer server, RegisterRequest request, String id) {
            Lines.event("registered", "location", id);
        }
    }

    private BootstrappedDeviceProgram() {
    }
}
