package parcel;

import dev.langchain4j.service.MemoryId;
import dev.langchain4j.service.SystemMessage;
import dev.langchain4j.service.UserMessage;
import io.quarkiverse.langchain4j.RegisterAiService;
import io.quarkiverse.langchain4j.ToolBox;
import jakarta.enterprise.context.ApplicationScoped;

@ApplicationScoped
@RegisterAiService(modelName = "claims")
public interface ClaimsDesk {
    @SystemMessage("You are claims_desk.")
    @ToolBox(Parcel.Claims.class)
    String ask(@MemoryId String turn, @UserMessage String text);
}
