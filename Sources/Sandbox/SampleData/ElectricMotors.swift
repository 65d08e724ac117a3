extension SampleAccount {
    /// The customers of the car maker Electric Motors. The first three hold the portal customers of the demo.
    static let electricMotors: [SampleAccount] = portalCustomers + fleets + dealers

    private static let fleets: [SampleAccount] = [
        SampleAccount(
            name: "Nordwind Logistik GmbH", type: "Customer - Direct", industry: "Transportation",
            street: "Hafenstraße 114",
            city: "Hamburg", postalCode: "20457", country: "Germany", phone: "+49 40 555 0114",
            website: "https://nordwind-logistik.example", employees: 640, revenue: 88_000_000,
            contacts: [
                SampleContact(
                    salutation: "Mr.", firstName: "Jens", lastName: "Petersen", title: "Fleet Manager",
                    email: "jens.petersen@nordwind-logistik.example", phone: "+49 40 555 0117",
                    cases: [
                        SampleCase(
                            "Depot chargers trip when six vans load at once",
                            "From the sixth van on, the main breaker trips. Load management is switched on.",
                            "Charging", "Ampere Van", "Working", "High", from: "Phone", hoursAgo: 30),
                        SampleCase(
                            "Delivery of ten vans: new date?", "The order confirmation said week 47.", "Delivery",
                            "Ampere Van", hoursAgo: 9),
                        SampleCase(
                            "Sliding door sensor reports open door", "Van 23, in rain only.", "Equipment Design",
                            "Ampere Van",
                            "On Hold", "Low", hoursAgo: 140),
                    ])
            ]),
        SampleAccount(
            name: "Canal City Taxis B.V.", type: "Customer - Direct", industry: "Transportation",
            street: "Overtoom 301",
            city: "Amsterdam", postalCode: "1054 HW", country: "Netherlands", phone: "+31 20 555 0301",
            website: "https://canalcity.example", employees: 210, revenue: 19_500_000,
            contacts: [
                SampleContact(
                    salutation: "Ms.", firstName: "Femke", lastName: "de Wit", title: "Operations Director",
                    email: "femke@canalcity.example", phone: "+31 20 555 0302",
                    cases: [
                        SampleCase(
                            "Range drops to 240 km below freezing", "Whole fleet of 40, since last week's update.",
                            "Battery",
                            "Volta S", "Escalated", "High", from: "Phone", hoursAgo: 20),
                        SampleCase(
                            "Taximeter cannot read odometer over CAN", "Since 4.2 the message has another identifier.",
                            "Software", "Volta S", "Working", "High", hoursAgo: 52),
                    ])
            ]),
        SampleAccount(
            name: "Stadtwerke Freital", type: "Customer - Direct", industry: "Utilities", street: "Am Wehr 3",
            city: "Freital", postalCode: "01705", country: "Germany", phone: "+49 351 555 0140",
            website: "https://stadtwerke-freital.example", employees: 180, revenue: 42_000_000,
            contacts: [
                SampleContact(
                    salutation: "Dr.", firstName: "Anke", lastName: "Vogel", title: "Head of E-Mobility",
                    email: "anke.vogel@stadtwerke-freital.example", phone: "+49 351 555 0141",
                    cases: [
                        SampleCase(
                            "Vehicle-to-grid session ends after ten minutes",
                            "Our ISO 15118 station logs a renegotiation.",
                            "Charging", "Volta X", "New", "Medium", hoursAgo: 6),
                        SampleCase(
                            "Certificate of the charging contract expired", "Plug & Charge falls back to the card.",
                            "Charging",
                            "Volta X", "Closed", "Low", from: "Email", hoursAgo: 400),
                    ])
            ]),
        SampleAccount(
            name: "Mercado Verde S.A.", type: "Customer - Direct", industry: "Retail", street: "Calle de Alcalá 220",
            city: "Madrid", postalCode: "28028", country: "Spain", phone: "+34 91 555 0220",
            website: "https://mercadoverde.example", employees: 1_450, revenue: 310_000_000,
            contacts: [
                SampleContact(
                    salutation: "Mr.", firstName: "Íñigo", lastName: "Sanz", title: "Logistics",
                    email: "i.sanz@mercadoverde.example", phone: "+34 91 555 0221",
                    cases: [
                        SampleCase(
                            "Refrigeration unit drains the traction battery", "Parked overnight, 18 % are gone.",
                            "Battery",
                            "Ampere Van", "Working", "High", hoursAgo: 75),
                        SampleCase(
                            "Fleet portal shows vans at yesterday's place", "Positions stop at about 22:00.",
                            "Software",
                            "Ampere Van", "New", "Low", hoursAgo: 3),
                    ])
            ]),
    ]

    private static let dealers: [SampleAccount] = [
        dealer(
            "Voltbahn Autohaus AG", "Zürich", "Badenerstrasse 570", "8048", "Switzerland", "Reto", "Ammann",
            "voltbahn.example"),
        dealer(
            "Electric Avenue Motors Ltd", "Bristol", "Temple Way 12", "BS1 6QS", "United Kingdom", "Holly", "Marsh",
            "electricavenue.example"),
        dealer(
            "Garage Lumière SARL", "Lyon", "Cours Gambetta 88", "69003", "France", "Solène", "Roux",
            "garage-lumiere.example"),
        dealer(
            "Kilowatt Cars Inc.", "Portland", "NW Lovejoy St 1410", "97209", "United States", "Dana", "Whitfield",
            "kilowattcars.example"),
        dealer(
            "E-Auto Zentrum Linz", "Linz", "Wiener Straße 131", "4020", "Austria", "Magdalena", "Huber",
            "eauto-linz.example"),
    ]

    private static func dealer(
        _ name: String, _ city: String, _ street: String, _ postalCode: String, _ country: String, _ first: String,
        _ last: String, _ host: String
    ) -> SampleAccount {
        SampleAccount(
            name: name, type: "Channel Partner / Reseller", industry: "Retail", street: street, city: city,
            postalCode: postalCode, country: country, phone: "+00 555 0199", website: "https://\(host)", employees: 35,
            revenue: 12_000_000,
            contacts: [
                SampleContact(
                    salutation: "Mx.", firstName: first, lastName: last, title: "Service Manager",
                    email: "service@\(host)", phone: "+00 555 0198",
                    cases: [
                        SampleCase(
                            "Transport damage on delivery to \(city)",
                            "Scratch at the left rear wheel arch, photos attached.",
                            "Delivery", "Ohm Roadster", "New", "Medium", from: "Phone", hoursAgo: 26),
                        SampleCase(
                            "Diagnostic tool loses connection",
                            "At every second control unit; cable and adapter exchanged.",
                            "Software", "Ampere City", "Working", "Medium", from: "Email", hoursAgo: 90),
                    ])
            ])
    }
}
