package parcel;

import dev.langchain4j.service.MemoryId;
import dev.langchain4j.service.SystemMessage;
import dev.langchain4j.service.UserMessage;
import io.quarkiverse.langchain4j.RegisterAiService;
import io.quarkiverse.langchain4j.ToolBox;
import io.smallrye.mutiny.Multi;
import jakarta.enterprise.context.ApplicationScoped;

@ApplicationScoped
@RegisterAiService(modelName = "dispatcher")
public interface Dispatcher {
    @SystemMessage("You are dispatcher.")
    @ToolBox(Parcel.Transfers.class)
    String ask(@MemoryId String turn, @UserMessage String text);

    @SystemMessage("You are dispatcher.")
    @ToolBox(Parcel.Transfers.class)
    Multi<String> stream(@MemoryId String turn, @UserMessage String text);
}
