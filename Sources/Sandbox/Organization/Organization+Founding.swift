import ChangeEvents
import Store

extension Organization {
    /// A first replay id and commit number such as an org that has been running for a while has.
    private static let firstReplay: ClosedRange<UInt64> = 1_200_000...1_900_000
    /// Beyond 2^53, as orgs' commit numbers can be: a client that reads them as floating point numbers finds it out here.
    private static let firstCommit: ClosedRange<Int64> = 9_100_000_000_000_000...9_900_000_000_000_000

    /// Founds the org inside `writer`'s transaction: identity, connected app, counters and users.
    static func found(
        _ configuration: Sandbox.Configuration, catalogue: Catalogue, now: Int64, writer: any StoreWriter
    ) throws -> Organization {
        let instance = "5g"
        guard let id = RecordID("00D" + instance + "0" + Base62.random(9)) else {
            throw SandboxError(code: .stateDamaged, message: "no organization id could be made")
        }
        var organization = Organization(
            id: id.string, instance: instance, name: "Electric Motors",
            clientID: "3MVG9" + Base62.random(80),
            clientSecret: Base62.random(64), password: Base62.random(20),
            users: [], foundedAt: now)
        let counters = OrgCounters(
            replay: .random(in: firstReplay), commit: .random(in: firstCommit))
        try BusHead.write(ReplayID(counter: counters.replay), writer)
        let transaction = OrgTransaction(
            writer: writer, catalogue: catalogue, instance: instance, userID: "", now: now, counters: counters)
        for person in Staff.people(usernameSuffix: configuration.usernameSuffix) {
            let recordID = try transaction.insert(
                .user, fields: ObjectDefinition.user.template.given(person.fields), createdAt: now)
            organization.users.append(person.user(id: recordID.string))
        }
        try Self.addProfiles(transaction, integrationUserID: organization.integrationUser?.id)
        try transaction.counters.write(writer)
        try organization.write(writer)
        return organization
    }
}

extension Organization {
    private static let profileNames = ["System Administrator", "Standard User", "Minimum Access - Salesforce"]

    /// Orgs from before there were profiles get them when they are opened.
    func addProfiles(_ catalogue: Catalogue, now: Int64, _ writer: any StoreWriter) throws {
        guard try writer.records(entity: ObjectDefinition.profile.name, after: nil, limit: 1).isEmpty else { return }
        let transaction = OrgTransaction(
            writer: writer, catalogue: catalogue, instance: instance, userID: integrationUser?.id ?? "", now: now,
            counters: try OrgCounters.read(writer))
        try Self.addProfiles(transaction, integrationUserID: integrationUser?.id)
        try transaction.counters.write(writer)
    }

    /// The integration user is an administrator, the others are standard users.
    private static func addProfiles(_ transaction: OrgTransaction, integrationUserID: String?) throws {
        var ids: [RecordID] = []
        for name in profileNames {
            let fields: [String: FieldValue] = ["Name": .string(name), "UserType": .string("Standard")]
            ids.append(
                try transaction.insert(
                    .profile, fields: ObjectDefinition.profile.template.given(fields), createdAt: transaction.now))
        }
        for record in try transaction.writer.records(entity: ObjectDefinition.user.name, after: nil, limit: .max) {
            let profile = record.image.id.string == integrationUserID ? ids[0] : ids[1]
            var fields = record.image.fields
            fields["ProfileId"] = .string(profile.string)
            try transaction.save(.user, record.image.id, fields: fields, before: record)
        }
    }
}

/// The people of Electric Motors who work in the org.
private struct Staff {
    let username: String
    let firstName: String
    let lastName: String
    let title: String
    let isApproved: Bool

    static func people(usernameSuffix: String) -> [Staff] {
        func person(_ first: String, _ last: String, _ title: String, approved: Bool) -> Staff {
            Staff(
                username: "\(first).\(last)@\(usernameSuffix)".lowercased(), firstName: first, lastName: last,
                title: title,
                isApproved: approved)
        }
        return [
            Staff(
                username: "integration@\(usernameSuffix)", firstName: "Integration", lastName: "User",
                title: "Integration",
                isApproved: true),
            person("Mara", "Lindqvist", "Service Agent", approved: true),
            person("Tomas", "Okafor", "Service Agent", approved: true),
            person("Yuki", "Brandt", "Service Team Lead", approved: false),
        ]
    }

    var fields: [String: FieldValue] {
        [
            "Username": .string(username), "FirstName": .string(firstName), "LastName": .string(lastName),
            "Email": .string(username), "Alias": .string(String(lastName.lowercased().prefix(8))),
            "Title": .string(title),
            "UserType": .string("Standard"), "IsActive": .boolean(true), "CompanyName": .string("Electric Motors"),
            "TimeZoneSidKey": .string(Organization.timeZone), "LocaleSidKey": .string("en_US"),
            "LanguageLocaleKey": .string("en_US"), "EmailEncodingKey": .string("UTF-8"),
        ]
    }

    func user(id: String) -> Organization.User {
        Organization.User(
            id: id, username: username, firstName: firstName, lastName: lastName, title: title, isApproved: isApproved)
    }
}
