package parcel;

import dev.langchain4j.service.MemoryId;
import dev.langchain4j.service.SystemMessage;
import dev.langchain4j.service.UserMessage;
import io.quarkiverse.langchain4j.RegisterAiService;
import io.quarkiverse.langchain4j.ToolBox;
import jakarta.enterprise.context.ApplicationScoped;

@ApplicationScoped
@RegisterAiService(modelName = "tracking")
public interface TrackingDesk {
    @SystemMessage("You are tracking_desk.")
    @ToolBox(Parcel.Tracking.class)
    String ask(@MemoryId String turn, @UserMessage String text);
}
