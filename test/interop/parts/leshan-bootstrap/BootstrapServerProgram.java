// A bootstrap server on Leshan's library for the interop tests. It takes configurations as JSON lines, and tells of each
// session as `event` lines. It ends when its standard input closes.
//
// Arguments: the UDP ports on 127.0.0.1 for coap and for coaps.
// {"name": "dev-1", "id": 101, "uri": "coaps://127.0.0.1:5684", "lifetime": 300, "identity": "dev-1", "key": "000102…",
//  "own": {"identity": "bs-1", "key": "…"}}
// Without identity and key the server is spoken to without security; `own` are the keys for this bootstrap server.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumSet;

import org.eclipse.leshan.core.SecurityMode;
import org.eclipse.leshan.core.link.DefaultLinkSerializer;
import org.eclipse.leshan.core.request.BindingMode;
import org.eclipse.leshan.core.request.BootstrapDownlinkRequest;
import org.eclipse.leshan.core.response.BootstrapDiscoverResponse;
import org.eclipse.leshan.core.response.LwM2mResponse;
import org.eclipse.leshan.core.util.Hex;
import org.eclipse.leshan.server.bootstrap.BootstrapConfig;
import org.eclipse.leshan.server.bootstrap.BootstrapFailureCause;
import org.eclipse.leshan.server.bootstrap.BootstrapSession;
import org.eclipse.leshan.server.bootstrap.BootstrapSessionAdapter;
import org.eclipse.leshan.server.bootstrap.InMemoryBootstrapConfigStore;
import org.eclipse.leshan.server.bootstrap.LeshanBootstrapServer;
import org.eclipse.leshan.server.bootstrap.LeshanBootstrapServerBuilder;
import org.eclipse.leshan.server.californium.bootstrap.endpoint.CaliforniumBootstrapServerEndpointsProvider;
import org.eclipse.leshan.server.californium.bootstrap.endpoint.coap.CoapBootstrapServerProtocolProvider;
import org.eclipse.leshan.server.californium.bootstrap.endpoint.coaps.CoapsBootstrapServerProtocolProvider;
import org.eclipse.leshan.server.security.BootstrapSecurityStoreAdapter;
import org.eclipse.leshan.server.security.InMemorySecurityStore;
import org.eclipse.leshan.server.security.SecurityInfo;

import com.fasterxml.jackson.databind.JsonNode;

public final class BootstrapServerProgram {

    public static void main(String[] args) throws Exception {
        InMemoryBootstrapConfigStore configurations = new InMemoryBootstrapConfigStore();
        InMemorySecurityStore keys = new InMemorySecurityStore();

        CaliforniumBootstrapServerEndpointsProvider.Builder endpoints = new CaliforniumBootstrapServerEndpointsProvider.Builder(
                new CoapBootstrapServerProtocolProvider(), new CoapsBootstrapServerProtocolProvider());
        endpoints.addEndpoint("coap://127.0.0.1:" + args[0]);
        endpoints.addEndpoint("coaps://127.0.0.1:" + args[1]);
        LeshanBootstrapServerBuilder builder = new LeshanBootstrapServerBuilder();
        builder.setConfigStore(configurations);
        builder.setSecurityStore(new BootstrapSecurityStoreAdapter(keys));
        builder.setEndpointsProviders(endpoints.build());
        LeshanBootstrapServer server = builder.build();
        server.addListener(new Reporter());
        server.start();
        Lines.event("started");

        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JsonNode wanted = Lines.JSON.readTree(line);
            String name = wanted.get("name").asText();
            if (wanted.has("own")) {
                JsonNode own = wanted.get("own");
                keys.add(SecurityInfo.newPreSharedKeyInfo(name, own.get("identity").asText(), bytes(own.get("key"))));
            }
            configurations.remove(name);
            configurations.add(name, configuration(wanted));
            Lines.event("configured", "name", name);
        }
        server.destroy();
        System.exit(0);
    }

    private static BootstrapConfig configuration(JsonNode wanted) {
        BootstrapConfig.ServerSecurity security = new BootstrapConfig.ServerSecurity();
        security.uri = wanted.get("uri").asText();
        security.serverId = wanted.get("id").asInt();
        security.bootstrapServer = false;
        if (wanted.has("identity")) {
            security.securityMode = SecurityMode.PSK;
            security.publicKeyOrId = wanted.get("identity").asText().getBytes(StandardCharsets.UTF_8);
            security.secretKey = bytes(wanted.get("key"));
        } else {
            security.securityMode = SecurityMode.NO_SEC;
        }
        BootstrapConfig.ServerConfig server = new BootstrapConfig.ServerConfig();
        server.shortId = security.serverId;
        server.lifetime = wanted.get("lifetime").asInt();
        server.binding = EnumSet.of(BindingMode.U);

        BootstrapConfig configuration = new BootstrapConfig();
        configuration.autoIdForSecurityObject = true;
        configuration.toDelete = Arrays.asList("/0", "/1");
        configuration.security.put(0, security);
        configuration.servers.put(0, server);
        return configuration;
    }

    private static byte[] bytes(JsonNode hexadecimal) {
        return Hex.decodeHex(hexadecimal.asText().toCharArray());
    }

    private static final class Reporter extends BootstrapSessionAdapter {
        @Override
        public void onResponseSuccess(BootstrapSession session, BootstrapDownlinkRequest<? extends LwM2mResponse> request,
                LwM2mResponse response) {
            tell(session, request, response);
        }

        @Override
        public void onResponseError(BootstrapSession session, BootstrapDownlinkRequest<? extends LwM2mResponse> request,
                LwM2mResponse response) {
            tell(session, request, response);
        }

        @Override
        public void end(BootstrapSession session) {
            Lines.event("finished", "name", session.getEndpoint());
        }

        @Override
        public void failed(BootstrapSession session, BootstrapFailureCause cause) {
            Lines.event("failed", "name", session.getEndpoint(), "reason", String.valueOf(cause));
        }

        private static void tell(BootstrapSession session, BootstrapDownlinkRequest<?> request, LwM2mResponse response) {
            String links = response instanceof BootstrapDiscoverResponse && response.isSuccess()
                    ? new DefaultLinkSerializer()
                            .serializeCoreLinkFormat(((BootstrapDiscoverResponse) response).getObjectLinks())
                    : null;
            Lines.event("step", "name", session.getEndpoint(), "path", String.valueOf(request.getPath()), "step",
                    request.getClass().getSimpleName(), "code", String.valueOf(response.getCode()), "links", links);
        }
    }

    private BootstrapServerProgram() {
    }
}
