import java.io.BufferedReader;
import java.io.FileReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * What Kafka Connect does to a record before a connector gets it, for tests: ConnectChain CONFIG.properties.
 * Lines `topic TAB key TAB value` come in, lines with what the connector would get go out.
 */
final class ConnectChain {
    public static void main(String[] arguments) throws Exception {
        Map<String, String> config = read(arguments[0]);
        Converter keys = converter(config, "key.converter", true);
        Converter values = converter(config, "value.converter", false);
        List<Transformation<SinkRecord>> transformations = transformations(config);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        long offset = 0;
        for (String line; (line = lines.readLine()) != null; offset++) {
            String[] parts = line.split("\t");
            SchemaAndValue key = keys.toConnectData(parts[0], parts[1].getBytes(StandardCharsets.UTF_8));
            SchemaAndValue value = values.toConnectData(parts[0], parts[2].getBytes(StandardCharsets.UTF_8));
            SinkRecord record =
                new SinkRecord(parts[0], 0, key.schema(), key.value(), value.schema(), value.value(), offset);
            for (Transformation<SinkRecord> transformation : transformations) {
                record = transformation.apply(record);
            }
            byte[] written = values.fromConnectData(record.topic(), record.valueSchema(), record.value());
            System.out.println(record.topic() + "\t" + record.key() + "\t" + new String(written, StandardCharsets.UTF_8));
        }
    }

    private static Map<String, String> read(String file) throws Exception {
        Properties properties = new Properties();
        try (FileReader reader = new FileReader(file, StandardCharsets.UTF_8)) {
            properties.load(reader);
        }
        return below(properties, "");
    }

    private static Map<String, String> below(Map<?, ?> config, String prefix) {
        Map<String, String> found = new HashMap<>();
        config.forEach((name, value) -> {
            if (((String) name).startsWith(prefix)) {
                found.put(((String) name).substring(prefix.length()), (String) value);
            }
        });
        return found;
    }

    private static Converter converter(Map<String, String> config, String name, boolean isKey) throws Exception {
        Converter converter = made(config.get(name));
        converter.configure(below(config, name + "."), isKey);
        return converter;
    }

    private static List<Transformation<SinkRecord>> transformations(Map<String, String> config) throws Exception {
        List<Transformation<SinkRecord>> transformations = new ArrayList<>();
        for (String name : config.get("transforms").split(",")) {
            Map<String, String> own = below(config, "transforms." + name + ".");
            Transformation<SinkRecord> transformation = made(own.remove("type"));
            transformation.configure(own);
            transformations.add(transformation);
        }
        return transformations;
    }

    @SuppressWarnings("unchecked")
    private static <T> T made(String type) throws Exception {
        return (T) Class.forName(type).getDeclaredConstructor().newInstance();
    }
}
