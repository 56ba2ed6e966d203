package parcel;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.langchain4j.agent.tool.Tool;
import io.opentelemetry.api.trace.Tracer;
import io.quarkus.runtime.QuarkusApplication;
import io.quarkus.runtime.annotations.QuarkusMain;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.context.control.ActivateRequestContext;
import jakarta.inject.Inject;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.HashMap;
import java.util.Map;

/** LangChain4j in Quarkus: an AI service for each agent. The dispatcher hands over by tools transfer_to_*. */
@QuarkusMain
public class Parcel implements QuarkusApplication {
    @ApplicationScoped
    public static class Transfers {
        @Inject TrackingDesk tracking;
        @Inject ClaimsDesk claims;

        @Tool(name = "transfer_to_tracking_desk", value = "Hands over to tracking_desk.")
        public String tracking(String request) {
            return tracking.ask(turn + "-desk", request);
        }

        @Tool(name = "transfer_to_claims_desk", value = "Hands over to claims_desk.")
        public String claims(String request) {
            return claims.ask(turn + "-desk", request);
        }
    }

    @ApplicationScoped
    public static class Tracking {
        @Tool(name = "locate_parcel", value = "Says where a parcel is.")
        public String locate(String parcel) {
            return parcel + " is in Leiden";
        }

        @Tool(name = "check_address", value = "Says whether an address is served.")
        public String check(String address) {
            return address + " is served";
        }

        @Tool(name = "redirect_parcel", value = "Sends a parcel to another address.")
        public String redirect(String parcel, String address) {
            return parcel + " goes to " + address;
        }
    }

    @ApplicationScoped
    public static class Claims {
        @Tool(name = "open_claim", value = "Opens a claim for a parcel.")
        public String open(String parcel) {
            throw new IllegalStateException("claims ledger did not answer");
        }

        @Tool(name = "escalate_to_human", value = "Asks a colleague to take over.")
        public String escalate(String reason) {
            return "a colleague calls back";
        }
    }

    static volatile String turn;

    @Inject Dispatcher dispatcher;
    @Inject Tracer tracer;
    final ObjectMapper json = new ObjectMapper();

    void tell(String path, Map<String, Object> body) throws Exception {
        var uri = URI.create(System.getenv("MODEL_URL") + path);
        var text = HttpRequest.BodyPublishers.ofString(json.writeValueAsString(body));
        HttpClient.newHttpClient().send(HttpRequest.newBuilder(uri).POST(text).build(), HttpResponse.BodyHandlers.discarding());
    }

    String ask(JsonNode told) {
        String text = told.get("text").asText();
        if (!told.path("stream").asBoolean()) return dispatcher.ask(turn, text);
        return String.join("", dispatcher.stream(turn, text).collect().asList().await().indefinitely());
    }

    @Override
    @ActivateRequestContext
    public int run(String... args) throws Exception {
        for (JsonNode told : json.readTree(System.getenv("STORY"))) {
            turn = told.get("turn").asText();
            tell("/turn", Map.of("turn", turn));
            var said = new HashMap<String, Object>();
            var span = tracer.spanBuilder("turn").setNoParent().startSpan();
            span.setAttribute("session.id", told.get("session_id").asText());
            span.setAttribute("user.id", told.get("user_id").asText());
            span.setAttribute("customer.tier", told.get("customer_tier").asText());
            span.setAttribute("intent", told.get("intent").asText());
            span.setAttribute("transaction.value", told.get("transaction_value").asDouble());
            try (var scope = span.makeCurrent()) {
                said.put("answered", !ask(told).isBlank());
            } catch (RuntimeException error) {
                said.put("answered", false);
                said.put("raised", error.getClass().getSimpleName() + ": " + error.getMessage());
            } finally {
                span.end();
            }
            tell("/end", said);
        }
        return 0;
    }
}
