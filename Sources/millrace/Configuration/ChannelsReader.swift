import Doors
import SOQL
import Yams

/// Reads `channels`: channels of the gateway's own, in the words of an org's `PlatformEventChannelMember`.
struct ChannelsReader {
    let root: Section
    /// Objects whose records are kept; nil: all.
    let tracked: Set<String>?
    /// Of objects that are replicated with some of their fields.
    let kept: [String: Set<String>]

    private static let selectedEntity = "selected_entity"
    private static let filterExpression = "filter_expression"

    /// Nil where there is a mistake.
    func channels() -> VirtualChannels? {
        guard let node = root.node("channels") else { return root.has("channels") ? nil : VirtualChannels.none }
        guard case .mapping(let mapping) = node else {
            root.mistake(
                "channels", "must be channels with their members: /data/Name__chn: [{selected_entity: CaseChangeEvent}]"
            )
            return nil
        }
        var channels: [String: [VirtualChannels.Member]] = [:]
        var isRight = true
        for (key, value) in mapping {
            let line = key.mark?.line ?? root.line(of: "channels")
            let name = key.scalarText ?? ""
            let kind = ["/data/", "/event/"].first { name.hasPrefix($0) }
            guard let kind, name.hasSuffix("__chn"),
                TopicCheck.isObjectName(String(name.dropFirst(kind.count).dropLast("__chn".count)))
            else {
                note("\(name) is no channel: the forms are /data/Name__chn and /event/Name__chn", line, &isRight)
                continue
            }
            channels[name] = members(of: name, isData: kind == "/data/", value, line: line, &isRight)
        }
        return isRight ? VirtualChannels(channels) : nil
    }

    private func members(
        of channel: String, isData: Bool, _ node: Node, line: Int, _ isRight: inout Bool
    ) -> [VirtualChannels.Member] {
        guard case .sequence(let sequence) = node, !sequence.isEmpty else {
            note("\(channel) must be a list of members, each with a \(Self.selectedEntity)", line, &isRight)
            return []
        }
        var members: [VirtualChannels.Member] = []
        for item in sequence {
            let line = item.mark?.line ?? line
            guard let member = member(of: channel, isData: isData, item, line: line, &isRight) else { continue }
            if members.contains(where: { $0.selectedEntity == member.selectedEntity }) {
                note("\(channel) has \(member.selectedEntity) twice", line, &isRight)
            }
            members.append(member)
        }
        return members
    }

    private func member(
        of channel: String, isData: Bool, _ node: Node, line: Int, _ isRight: inout Bool
    ) -> VirtualChannels.Member? {
        guard case .mapping(let mapping) = node else {
            note("\(channel): a member is a mapping with a \(Self.selectedEntity)", line, &isRight)
            return nil
        }
        var member: VirtualChannels.Member?
        var filter: (text: String, line: Int)?
        for (key, value) in mapping {
            let line = key.mark?.line ?? line
            switch (key.scalarText, value.scalarText) {
            case (Self.selectedEntity?, let entity?):
                guard entity.hasSuffix(isData ? "ChangeEvent" : "__e"), TopicCheck.isObjectName(entity) else {
                    let form = isData ? "CaseChangeEvent or Name__ChangeEvent" : "Name__e"
                    note("\(channel): \(Self.selectedEntity) \(entity) is not of the form \(form)", line, &isRight)
                    return nil
                }
                member = VirtualChannels.Member(selectedEntity: entity)
            case (Self.filterExpression?, let text?):
                filter = (text, line)
            case (let name, _):
                note(
                    "\(channel): a member has \(Self.selectedEntity) and \(Self.filterExpression), each a text, not \(name ?? "this")",
                    line, &isRight)
                return nil
            }
        }
        guard member != nil else {
            note("\(channel): a member has no \(Self.selectedEntity)", line, &isRight)
            return nil
        }
        if let filter {
            do throws(SOQLError) {
                member?.filterExpression = try Condition(filter.text)
            } catch {
                note(
                    "\(channel): \(Self.filterExpression): \(error)", filter.line, &isRight)
                return nil
            }
        }
        if let member, let complaint = unjudgeable(member, isData: isData) {
            note("\(channel): \(complaint)", filter?.line ?? line, &isRight)
        }
        return member
    }

    /// A change event holds what changed: only the record of a tracked object can be judged.
    private func unjudgeable(_ member: VirtualChannels.Member, isData: Bool) -> String? {
        guard isData, let filter = member.filterExpression else { return nil }
        let stem = member.selectedEntity.dropLast("ChangeEvent".count)
        let object = String(stem.hasSuffix("__") ? stem + "c" : stem)
        let fields = filter.fields.sorted().filter { name in
            !(name.lowercased() == "id" || name.lowercased().hasPrefix("changeeventheader."))
        }
        if let tracked, !tracked.contains(object) {
            return fields.first.map {
                "\(Self.filterExpression) uses \($0), which cannot be judged: \(object) is not in track"
            }
        }
        guard let kept = kept[object].map({ Set($0.map { $0.lowercased() }) }) else { return nil }
        return fields.first { !kept.contains($0.lowercased()) }.map {
            "\(Self.filterExpression) uses \($0), which cannot be judged: it is not among the fields of \(object) in objects"
        }
    }

    private func note(_ message: String, _ line: Int, _ isRight: inout Bool) {
        root.mistakes.add("channels: \(message)", line: line)
        isRight = false
    }
}
