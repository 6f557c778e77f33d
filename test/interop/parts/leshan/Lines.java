// How the programs talk with a test: one JSON object per line, in on standard input, out as `WORD JSON` on standard
// output. Values are JSON values; an opaque is {"hex": …}, a time is ISO 8601, what JSON cannot hold exactly is text.
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

import org.eclipse.leshan.core.link.DefaultLinkSerializer;
import org.eclipse.leshan.core.link.Link;
import org.eclipse.leshan.core.model.ResourceModel.Type;
import org.eclipse.leshan.core.node.LwM2mNode;
import org.eclipse.leshan.core.node.LwM2mObject;
import org.eclipse.leshan.core.node.LwM2mObjectInstance;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.node.LwM2mResource;
import org.eclipse.leshan.core.node.LwM2mResourceInstance;
import org.eclipse.leshan.core.node.LwM2mRoot;
import org.eclipse.leshan.core.node.ObjectLink;
import org.eclipse.leshan.core.util.Hex;
import org.eclipse.leshan.core.util.datatype.ULong;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

final class Lines {

    static final ObjectMapper JSON = new ObjectMapper();

    static synchronized void print(String word, Map<String, ?> content) {
        try {
            System.out.println(word + " " + JSON.writeValueAsString(content));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
        System.out.flush();
    }

    /** An `event` line; keys and values alternate, null values are left out. */
    static void event(String name, Object... members) {
        print("event", object("event", name, members));
    }

    static Map<String, Object> object(String key, Object value, Object... more) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put(key, value);
        for (int i = 0; i < more.length; i += 2) {
            if (more[i + 1] != null)
                object.put((String) more[i], more[i + 1]);
        }
        return object;
    }

    /** The values below a path: from full path to value. */
    static Map<String, Object> values(LwM2mPath path, LwM2mNode node) {
        Map<String, Object> values = new TreeMap<>();
        collect(path.toString(), node, values);
        return values;
    }

    /** The values below several paths; what is not there is left out. */
    static Map<String, Object> values(Map<LwM2mPath, LwM2mNode> nodes) {
        Map<String, Object> values = new TreeMap<>();
        nodes.forEach((path, node) -> {
            if (node != null)
                collect(path.toString(), node, values);
        });
        return values;
    }

    private static void collect(String path, LwM2mNode node, Map<String, Object> into) {
        if (node instanceof LwM2mRoot) {
            for (LwM2mObject object : ((LwM2mRoot) node).getObjects().values())
                collect("/" + object.getId(), object, into);
        } else if (node instanceof LwM2mObject) {
            for (LwM2mObjectInstance instance : ((LwM2mObject) node).getInstances().values())
                collect(path + "/" + instance.getId(), instance, into);
        } else if (node instanceof LwM2mObjectInstance) {
            for (LwM2mResource resource : ((LwM2mObjectInstance) node).getResources().values())
                collect(path + "/" + resource.getId(), resource, into);
        } else if (node instanceof LwM2mResource && ((LwM2mResource) node).isMultiInstances()) {
            for (LwM2mResourceInstance instance : ((LwM2mResource) node).getInstances().values())
                collect(path + "/" + instance.getId(), instance, into);
        } else if (node instanceof LwM2mResource) {
            into.put(path, plain(((LwM2mResource) node).getValue()));
        } else if (node instanceof LwM2mResourceInstance) {
            into.put(path, plain(((LwM2mResourceInstance) node).getValue()));
        }
    }

    private static Object plain(Object value) {
        if (value instanceof byte[])
            return Map.of("hex", Hex.encodeHexString((byte[]) value));
        if (value instanceof Date)
            return ((Date) value).toInstant().toString();
        if (value instanceof Link[])
            return new DefaultLinkSerializer().serializeCoreLinkFormat((Link[]) value);
        if (value instanceof ObjectLink)
            return ((ObjectLink) value).getObjectId() + ":" + ((ObjectLink) value).getObjectInstanceId();
        if (value instanceof ULong)
            return value.toString();
        return value;
    }

    /** The mirror image of `plain`, for the types a test writes. */
    static Object typed(JsonNode json, Type type) {
        switch (type) {
        case STRING:
            return json.asText();
        case INTEGER:
            return json.asLong();
        case UNSIGNED_INTEGER:
            return ULong.valueOf(json.asText());
        case FLOAT:
            return json.asDouble();
        case BOOLEAN:
            return json.asBoolean();
        case OPAQUE:
            return Hex.decodeHex(json.get("hex").asText().toCharArray());
        case TIME:
            return Date.from(java.time.Instant.parse(json.asText()));
        case OBJLNK:
            String[] ids = json.asText().split(":");
            return new ObjectLink(Integer.parseInt(ids[0]), Integer.parseInt(ids[1]));
        default:
            throw new IllegalArgumentException("no way to write a value of type " + type);
        }
    }

    private Lines() {
    }
}
