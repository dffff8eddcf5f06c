# Devise's own accounts: the migration that its generator writes, its model, its strategy in Warden, its session and its
# remember cookie.
require "json"
require "logger"
require "rails"
require "active_record"
require "devise"
require "devise/orm/active_record"
require "devise/version"
require "rails/generators"
require "generators/active_record/devise_generator"
require "tmpdir"

VERB = ARGV.fetch(0)
ASKED = JSON.parse($stdin.read)
WHERE = ASKED["database"]

def connection
  return { adapter: "sqlite3", database: WHERE["path"] } if WHERE["engine"] == "sqlite"

  { adapter: "postgresql", host: WHERE["host"], port: WHERE["port"], database: WHERE["name"],
    username: WHERE["user"], password: WHERE["password"] }
end

Rails.application = Class.new(Rails::Application).instance
Devise.setup { |config| config.secret_key = "of this test alone" }
ActiveRecord::Base.configurations = { Rails.env => connection.transform_keys(&:to_s) }
ActiveRecord::Base.establish_connection
ActiveRecord::Migration.verbose = false

def install
  Dir.mktmpdir do |dir|
    generator = ActiveRecord::Generators::DeviseGenerator.new(["user"], { quiet: true }, destination_root: dir, behavior: :invoke)
    generator.copy_devise_migration
    ActiveRecord::MigrationContext.new("#{dir}/db/migrate", ActiveRecord::SchemaMigration).migrate
  end
  Devise::VERSION
end

class User < ActiveRecord::Base
  devise :database_authenticatable, :recoverable, :rememberable
end

def add = User.create!(email: ASKED["address"], password: ASKED["password"]).id.to_s

# What Warden puts into the session, and Devise into its cookie.
def enter
  form = { "user" => { "email" => ASKED["address"], "password" => ASKED["password"] } }
  request = Rack::MockRequest.env_for("/users/sign_in", method: "POST", params: form)
  request.update("rack.session" => {}, "devise.allow_params_authentication" => true)
  user = nil
  app = ->(env) { user = env["warden"].authenticate(:database_authenticatable, scope: :user) and [200, {}, []] or [401, {}, []] }
  Warden::Manager.new(app) { |config| config.failure_app = ->(_) { [401, {}, []] } }.call(request)
  return if user.nil?

  user.remember_me!
  JSON.dump([User.serialize_into_session(user), User.serialize_into_cookie(user)])
end

def stay
  session, cookie = JSON.parse(ASKED["kept"])
  !(User.serialize_from_session(*session) || User.serialize_from_cookie(*cookie)).nil?
end

def change = User.find_by!(email: ASKED["address"]).reset_password(ASKED["password"], ASKED["password"])

Devise.add_mapping(:user, {})
puts JSON.dump(send(%i[install add enter stay change].find { |verb| verb.to_s == VERB }))
