import Doors
import Testing

@testable import Sandbox

struct DescribeTests {
    @Test func globalDescribeListsTheObjects() async throws {
        let org = try await TestOrg.open()
        let answer = try await org.sandbox.describeGlobal(context: org.context).dictionary
        #expect(answer["encoding"] == .string("UTF-8"))
        #expect(answer["maxBatchSize"] == .number("200"))
        let objects = (answer["sobjects"] ?? .null).elements.map(\.dictionary)
        let names = [
            "Account", "Case", "Contact", "Lead", "Opportunity", "Order", "OrderItem", "Pricebook2", "PricebookEntry",
            "Product2", "Task", "User",
        ]
        #expect(Set(objects.map { $0["name"] }).isSuperset(of: names.map { .string($0) }))
        let prefixes = Dictionary(
            objects.map { ($0["name"] ?? .null, $0["keyPrefix"] ?? .null) }, uniquingKeysWith: { first, _ in first })
        #expect(prefixes[.string("Lead")] == .string("00Q"))
        #expect(prefixes[.string("Order")] == .string("801"))
        let user = try #require(objects.first { $0["name"] == .string("User") })
        #expect(user["createable"] == .boolean(true) && user["deletable"] == .boolean(false))
        let profile = try #require(objects.first { $0["name"] == .string("Profile") })
        #expect(profile["createable"] == .boolean(false))
    }

    @Test func fieldsAreDescribedAsDeclared() async throws {
        let org = try await TestOrg.open()
        let answer = try await org.sandbox.describe(object: "case", context: org.context).dictionary
        let list = (answer["fields"] ?? .null).elements.map(\.dictionary)
        let fields = Dictionary(list.map { ($0["name"] ?? .null, $0) }, uniquingKeysWith: { first, _ in first })
        let number = try #require(fields[.string("CaseNumber")])
        #expect(number["autoNumber"] == .boolean(true))
        #expect(number["createable"] == .boolean(false))
        #expect(number["nameField"] == .boolean(true))
        #expect(number["nillable"] == .boolean(false))
        let contact = try #require(fields[.string("ContactId")])
        #expect(contact["type"] == .string("reference"))
        #expect(contact["soapType"] == .string("tns:ID"))
        #expect(contact["referenceTo"] == .array([.string("Contact")]))
        #expect(contact["relationshipName"] == .string("Contact"))
        #expect(contact["restrictedDelete"] == .boolean(true))
        let priority = try #require(fields[.string("Priority")])
        #expect(priority["restrictedPicklist"] == .boolean(true))
        #expect(
            (priority["picklistValues"] ?? .null).elements.map { $0.dictionary["value"] }
                == ["High", "Medium", "Low"].map { .string($0) })
        let model = try #require(fields[.string("Vehicle_Model__c")])
        #expect(model["custom"] == .boolean(true))
        let subject = try #require(fields[.string("Subject")])
        #expect(subject["length"] == .number("255"))
        #expect(subject["updateable"] == .boolean(true))
    }

    /// What replicators read of an object and of a field, by its name in the API's documentation.
    @Test(arguments: ["Account", "Case", "User"])
    func everythingThatDescribeTellsIsThere(object: String) async throws {
        let org = try await TestOrg.open()
        let described = try await org.sandbox.describe(object: object, context: org.context).dictionary
        for name in Self.objectKeys { #expect(described[name] != nil, "\(object): \(name)") }
        let fields = try #require(described["fields"]?.elements)
        #expect(fields.count > 10)
        for field in fields.map(\.dictionary) {
            for name in Self.fieldKeys { #expect(field[name] != nil, "\(object).\(field["name"] ?? .null): \(name)") }
        }
        for child in described["childRelationships"]?.elements ?? [] {
            for name in Self.childKeys {
                #expect(child.dictionary[name] != nil, "\(object): \(name) of a child relationship")
            }
        }
    }

    private static let objectKeys = """
        name label labelPlural keyPrefix custom customSetting createable updateable deletable undeletable queryable retrieveable \
        searchable replicateable triggerable mergeable layoutable mruEnabled feedEnabled hasSubtypes isSubtype isInterface \
        activateable deepCloneable deprecatedAndHidden urls fields childRelationships recordTypeInfos actionOverrides \
        namedLayoutInfos supportedScopes idEnabled
        """.split(separator: " ").map(String.init)
    private static let fieldKeys = """
        name label type soapType length byteLength digits precision scale nillable createable updateable defaultedOnCreate \
        defaultValue defaultValueFormula externalId idLookup unique caseSensitive autoNumber calculated calculatedFormula \
        compoundFieldName controllerName dependentPicklist picklistValues restrictedPicklist referenceTo relationshipName \
        relationshipOrder referenceTargetField polymorphicForeignKey namePointing nameField cascadeDelete restrictedDelete \
        writeRequiresMasterRead filterable sortable groupable aggregatable permissionable encrypted htmlFormatted extraTypeInfo \
        inlineHelpText mask maskType highScaleNumber displayLocationInDecimal queryByDistance filteredLookupInfo custom \
        deprecatedAndHidden searchPrefilterable dataTranslationEnabled aiPredictionField formulaTreatNullNumberAsZero
        """.split(separator: " ").map(String.init)
    private static let childKeys = """
        childSObject field relationshipName cascadeDelete restrictedDelete deprecatedAndHidden junctionIdListNames \
        junctionReferenceTo
        """.split(separator: " ").map(String.init)

    /// What describe calls createable can be written, and nothing else: the one declaration answers both.
    @Test(arguments: ["Account", "Contact", "Case"])
    func describeAgreesWithValidation(object: String) async throws {
        let org = try await TestOrg.open()
        let answer = try await org.sandbox.describe(object: object, context: org.context).dictionary
        for field in (answer["fields"] ?? .null).elements.map(\.dictionary) {
            guard case .string(let name) = field["name"] ?? .null else {
                Issue.record("a field without a name")
                return
            }
            if name == "Id" { continue }
            let error = await org.failure { () async throws(OrgError) in
                _ = try await org.create(object, [(name, name == "IsEscalated" ? .boolean(false) : .null)])
            }
            let isRefused =
                error?.errorCode == "INVALID_FIELD_FOR_INSERT_UPDATE" || error?.errorCode == "JSON_PARSER_ERROR"
            #expect(
                isRefused == (field["createable"] == .boolean(false)) || field["type"] == .string("boolean"), "\(name)")
        }
    }

    /// What describe says of a field, queries hold to.
    @Test(arguments: ["Contact", "Case"])
    func describeAgreesWithQueries(object: String) async throws {
        let org = try await TestOrg.open()
        let answer = try await org.sandbox.describe(object: object, context: org.context).dictionary
        let uses = [
            ("filterable", "SELECT Id FROM \(object) WHERE FIELD = null"),
            ("sortable", "SELECT Id FROM \(object) ORDER BY FIELD"),
            ("groupable", "SELECT FIELD, COUNT(Id) n FROM \(object) GROUP BY FIELD"),
            ("aggregatable", "SELECT COUNT_DISTINCT(FIELD) n FROM \(object)"),
        ]
        var allowed: Set<String> = []
        for field in (answer["fields"] ?? .null).elements.map(\.dictionary) {
            guard case .string(let name) = field["name"] ?? .null else {
                Issue.record("a field without a name")
                return
            }
            for (flag, form) in uses {
                let soql = form.replacing("FIELD", with: name)
                let error = await org.failure { () async throws(OrgError) in
                    _ = try await org.sandbox.query(soql, scope: .live, batchSize: nil, context: org.context)
                }
                #expect(field[flag] == .boolean(error == nil), "\(soql): \(error?.message ?? "")")
                if error == nil { allowed.insert("\(name).\(flag)") }
            }
        }
        if object == "Contact" { #expect(allowed.isSuperset(of: uses.map { "Name.\($0.0)" })) }
        #expect(allowed.contains("CreatedDate.sortable") && !allowed.contains("CreatedDate.groupable"))
    }

    @Test func anAddressWithoutANameHasPlainLabels() throws {
        let lead = ObjectDefinition.lead
        #expect(["Street", "City", "Address"].map { lead.field($0)?.label } == ["Street", "City", "Address"])
        #expect(ObjectDefinition.account.field("BillingStreet")?.label == "Billing Street")
    }

    @Test func recordsMayLackNothingThatDescribeNames() async throws {
        let org = try await TestOrg.open()
        let id = try await org.create("Account", [("Name", .string("A"))])
        let described = try await org.sandbox.describe(object: "Account", context: org.context).dictionary
        let names = Set((described["fields"] ?? .null).elements.map { $0.dictionary["name"] })
        let record = try await org.retrieve("Account", id)
        #expect(Set(record.keys.filter { $0 != "attributes" }.map { JSONValue.string($0) }) == names)
    }
}
